/** Why a question is not taken, for its sender. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** Of HTTP. */
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429;

  constructor(status: Refusal['status'], message: string) {
    super(message);
    this.status = status;
  }
}
