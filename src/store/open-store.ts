/** `openStore`: composes the Store of one SQLite file from its parts. */
import { readChain, REPLAY_FLOOR, THINNED_BELOW } from './chain.ts';
import { CurriculumRows } from './curriculum-rows.ts';
import { Database, type Durability } from './database.ts';
import { DataRows } from './data-rows.ts';
import { Exports } from './exports.ts';
import { MetricHistory } from './history.ts';
import { JudgedGroups } from './judged-groups.ts';
import { Ledger } from './ledger.ts';
import { PoolRows } from './synthetic-pool.ts';
import { Questions } from './questions.ts';
import { Reports } from './reports.ts';
import { enforce } from './retention.ts';
import type { Retention, Store } from './store.ts';
import { MetricRows } from './metric-rows.ts';
import { VersionRows } from './version-rows.ts';
import { batchesSince, unfinished } from './unfinished.ts';
import { withdraw, withdrawLearnt } from './withdraw.ts';

export interface StoreOptions {
  readonly retention?: Partial<Retention>;
  /** Milliseconds since 1970; tests pass their own. */
  readonly now?: () => number;
}

const DEFAULT_RETENTION: Retention = {
  maxGroups: 20_000,
  maxDays: 30,
  maxEvents: 20_000,
  maxMetricPoints: 20_000,
  maxVersions: 50_000,
  maxAnswerVersions: 200,
};
const WRITES_BETWEEN_RETENTION = 500;

/**
 * Opens or makes the database. @throws InputError when it is damaged, not ours, from a newer Quorum, locked or not
 * writable.
 */
export function openStore(path: string, options: StoreOptions = {}): Store {
  const now = options.now ?? Date.now;
  const db = new Database(path);
  const bounds = { ...DEFAULT_RETENTION, ...options.retention };
  const ledger = new Ledger(db, now);
  const reports = new Reports(db);
  const telemetry = new MetricRows(db, now);
  const history = new MetricHistory(db);
  const groups = new JudgedGroups(db);
  const questions = new Questions(db);
  const versions = new VersionRows(db);
  const pool = new PoolRows(db, now);
  const curriculum = new CurriculumRows(db);
  const exports = new Exports(db);
  const data = new DataRows(db);
  let writes = 0;

  function write<T>(durability: Durability, work: () => T): T {
    // Runs before the caller's write: if it fails, that write did not happen either.
    if (++writes % WRITES_BETWEEN_RETENTION === 0) enforceRetention();
    return db.transaction(durability, work);
  }

  function meta(key: string): unknown {
    const row = db.row<{ value: string }>('SELECT value FROM meta WHERE key = ?', key);
    return row && (JSON.parse(row.value) as unknown);
  }

  function setMeta(key: string, value: unknown): void {
    write('durable', () =>
      db.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', key, JSON.stringify(value ?? null)),
    );
  }

  if (meta(THINNED_BELOW) === undefined && reports.versions(1).length === 0) setMeta(THINNED_BELOW, 0);

  function enforceRetention(): number {
    const floor = (meta(REPLAY_FLOOR) as number | undefined) ?? 0;
    const deleted = db.transaction('quick', () => enforce(db, bounds, floor, now()));
    if (deleted.points > 0) history.forget();
    return deleted.groups;
  }

  function metric(name: string, step: number, value: number): void {
    history.mark(step);
    write('quick', () => telemetry.metric(name, step, value));
  }

  function close(): void {
    db.close();
  }

  return {
    get nextSequence() {
      return ledger.nextSequence;
    },
    get nextBatchId() {
      return ledger.nextBatchId;
    },
    admitted: (id) => questions.admitted(id),
    admit: (admissions) => write('durable', () => ledger.admit(admissions)),
    saveGroups: (groups) => write('durable', () => ledger.saveGroups(groups)),
    saveChecks: (groups) => write('quick', () => ledger.saveChecks(groups)),
    saveVerdicts: (verdicts) => write('durable', () => ledger.saveVerdicts(verdicts)),
    saveBatch: (batch) => write('durable', () => ledger.saveBatch(batch)),
    saveVersion: (version) => write('durable', () => ledger.saveVersion(version)),
    setAside: (batch) => write('durable', () => ledger.setAside(batch)),
    batchesSetAside: (limit) => reports.batchesSetAside(limit),
    saveEvaluation: (evaluation) => write('durable', () => ledger.saveEvaluation(evaluation)),
    saveAnswers: (version, answers) => write('quick', () => versions.saveAnswers(version, answers)),
    unfinished: () => unfinished(db),
    batchesSince: (version) => batchesSince(db, version),
    chain: () => readChain((sql) => db.rows(sql)),
    setReplayFloor: (version) => setMeta(REPLAY_FLOOR, version),
    latestVersion: () => reports.versions(1)[0],
    versions: (limit) => reports.versions(limit),
    evaluations: () => reports.evaluations(),
    bestEvaluation: () => reports.bestEvaluation(),
    judgedGroups: (limit, beforeSequence = Number.MAX_SAFE_INTEGER) => reports.judgedGroups(limit, beforeSequence),
    counts: () => reports.counts(),
    metric,
    series: (name, maxPoints) => telemetry.series(name, maxPoints),
    metricNames: () => telemetry.metricNames(),
    event: (type, data) => write('quick', () => telemetry.event(type, data)),
    events: (limit, type) => telemetry.events(limit, type),
    history: (range) => history.history(range),
    warmHistory: () => history.warm(),
    metricRow: (step) => history.row(step),
    findGroups: (filter, page) => groups.find(filter, page),
    group: (id) => groups.byId(id),
    groupsOfQuestion: (id, limit) => groups.ofQuestion(id, limit),
    question: (id) => questions.byId(id),
    questionStats: () => questions.stats(),
    syntheticQuestions: (page) => questions.synthetic(page),
    findVersions: (page) => versions.find(page),
    answers: (version) => versions.answers(version),
    eventsBefore: (page) => telemetry.eventsBefore(page),
    pool: () => pool.entries(),
    changePool: (change) => write('durable', () => pool.change(change)),
    rejectedQuestions: (limit) => pool.rejected(limit),
    syntheticCounts: () => pool.counts(),
    curriculum: () => curriculum.read(),
    curriculumQuestion: (id) => curriculum.question(id),
    changeCurriculum: (change) => write('durable', () => curriculum.change(change)),
    clearCurriculum: () => write('durable', () => curriculum.clear()),
    setMeta,
    meta,
    transaction: (work) => write('durable', work),
    dataRows: (part) => data.rows(part),
    saveDataRows: (part, rows) => write('durable', () => data.save(part, rows)),
    dataQuestions: (part) => data.stored(part),
    moveQuestion: (question) => write('durable', () => data.move(question)),
    withdraw: (isGone) =>
      write('durable', () => {
        curriculum.withdraw(isGone);
        return withdraw(db, ledger, reports.versions(1)[0]?.n ?? 0, isGone);
      }),
    withdrawLearnt: (version, isGone) => write('durable', () => withdrawLearnt(db, ledger, version, isGone)),
    exportPage: (cursor, versions) => exports.page(cursor, versions),
    exportEnd: () => exports.end(),
    storedSince: (cursor, most) => exports.since(cursor, most),
    enforceRetention,
    close,
    [Symbol.dispose]: close,
  };
}
