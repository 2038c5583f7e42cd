export declare class BootstrapError extends Error {}
export declare const ROOT: string;
export declare function nodeProblem(version: string, range: string): string | null;
export declare function missingPackages(root: string): string[];
export declare function needsBuild(root: string): boolean;
export declare function needsClientBuild(root: string): boolean;
export declare function installProgress(root: string, missing: readonly string[], seconds: number): string;
export declare function installFailure(stderr: string, root: string): string;
export declare function bootstrap(options: {
  readonly root: string;
  readonly build: boolean;
  readonly anew?: boolean;
  readonly everySeconds?: number;
}): Promise<void>;
export declare function orExplain(action: () => Promise<void>): Promise<void>;
