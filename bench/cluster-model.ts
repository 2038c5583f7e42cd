/**
 * A model of a cluster: each resource has a cost that is there without samplers, one a group, one a sampler and one a
 * byte of weights. It says how full each resource is at a number of samplers, and at which number it is full.
 */

/** Over a stretch of one measurement. */
export interface Measured {
  readonly workers: number;
  readonly groupsPerSecond: number;
  /** Processor seconds a second. */
  readonly daemon: number;
  readonly nats: number;
  /** Into and out of the NATS server, bytes a group. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Processor seconds: `fixed` and `beats` a second (the latter for each sampler), `group` a group, `megabyte` a MB of weights. */
interface Cost {
  readonly fixed: number;
  readonly group: number;
  readonly beat: number;
  readonly megabyte: number;
}

export interface Costs {
  readonly daemon: Cost;
  readonly nats: Cost;
  /** Bytes of a group into the NATS server, and out of it. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What the model takes as given. */
export interface Assumed {
  /** Of one sampler. */
  readonly groupsPerSecond: number;
  readonly versionsPerSecond: number;
  /** Of a version. */
  readonly weightMegabytes: number;
  readonly natsCores: number;
  /** Of the daemon's and of the NATS server's network, each way. */
  readonly gigabitsPerSecond: number;
}

/** `share` of the resource at a number of samplers: fixed + each * samplers. */
export interface Resource {
  readonly name: string;
  readonly fixed: number;
  readonly each: number;
}

/** Least squares of y on x. */
export function line(points: readonly (readonly [number, number])[]): {
  readonly fixed: number;
  readonly slope: number;
} {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([at]) => at), mean(([, value]) => value)];
  const slope = mean(([at, value]) => (at - x) * (value - y)) / mean(([at]) => (at - x) ** 2);
  return { fixed: y - slope * x, slope };
}

/** @param beat and @param megabyte measured apart from the groups. */
export function costsOf(
  measured: readonly Measured[],
  beat: { readonly daemon: number; readonly nats: number },
  megabyte: number,
): Costs {
  const cost = (of: 'daemon' | 'nats'): Cost => {
    const { fixed, slope } = line(measured.map((each) => [each.groupsPerSecond, each[of]]));
    return { fixed: Math.max(0, fixed), group: slope, beat: beat[of], megabyte: of === 'daemon' ? megabyte : 0 };
  };
  const mean = (of: 'bytesIn' | 'bytesOut'): number =>
    measured.reduce((sum, each) => sum + each[of], 0) / measured.length;
  return { daemon: cost('daemon'), nats: cost('nats'), bytesIn: mean('bytesIn'), bytesOut: mean('bytesOut') };
}

export function resources({ daemon, nats, bytesIn, bytesOut }: Costs, assumed: Assumed): Resource[] {
  const { groupsPerSecond: rate, versionsPerSecond, weightMegabytes, natsCores, gigabitsPerSecond } = assumed;
  const network = (gigabitsPerSecond * 1e9) / 8;
  const weights = weightMegabytes * versionsPerSecond;
  const cores = ({ fixed, group, beat, megabyte }: Cost, count: number) => ({
    fixed: fixed / count,
    each: (group * rate + beat + megabyte * weights) / count,
  });
  return [
    { name: "daemon's core", ...cores(daemon, 1) },
    { name: `NATS's ${natsCores} cores`, ...cores(nats, natsCores) },
    { name: "daemon's network, out (weights)", fixed: 0, each: (weights * 1e6) / network },
    { name: "daemon's network, in (groups)", fixed: 0, each: (bytesOut * rate) / network },
    { name: "NATS's network, in (groups)", fixed: 0, each: (bytesIn * rate) / network },
  ];
}

export const shareAt = ({ fixed, each }: Resource, samplers: number): number => fixed + each * samplers;

/** Samplers at which the resource is full. */
export const fullAt = ({ fixed, each }: Resource): number => (1 - fixed) / each;
