/** The connection: prepared statements by their text, and transactions. Synchronous; everything above it decides when. */
import { backup, type DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";

/** As node:sqlite gives it: no prototype, bigints never (all our integers are safe ones). */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** Half a megabyte: a millisecond. */
const PAGES_AT_ONCE = 128;

export class Database {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepared(sql).run(...values);
  }
  /** Rows that the statement changed. */
  change(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }
  all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#prepared(sql).all(...values);
  }
  /** Not prepared: pragmas and schema. */
  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** Applies `work` and makes it durable, or throws and leaves nothing of it. */
  transaction<T>(work: () => T): T {
    this.run("begin immediate");
    try {
      const result = work();
      this.run("commit");
      return result;
    } catch (error) {
      // A full disk has perhaps rolled back already.
      if (this.#connection.isTransaction) this.run("rollback");
      throw error;
    }
  }

  /** A consistent copy, made page by page while others go on writing. */
  async copyTo(file: string): Promise<void> {
    await backup(this.#connection, file, { rate: PAGES_AT_ONCE });
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

// Columns come back as what the strict schema put there: casts with a name, and so the type parameters.
/* oxlint-disable typescript/no-unnecessary-type-parameters */
export const textOf = <T extends string = string>(row: Row, column: string): T => row[column] as T;
export const numberOf = <T extends number = number>(row: Row, column: string): T => row[column] as T;
export const textOrNull = <T extends string = string>(row: Row, column: string): T | null => row[column] as T | null;
export const numberOrNull = (row: Row, column: string): number | null => row[column] as number | null;
export const bytesOf = (row: Row, column: string): Uint8Array => row[column] as Uint8Array;
export const jsonOf = <T>(row: Row, column: string): T => JSON.parse(row[column] as string) as T;
