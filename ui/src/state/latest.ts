/** Questions of which only the last counts: an answer may come after that to a later one. */
export class Latest {
  private asked = 0;

  /** Puts a question in the place of those before it; the result says whether its answer still counts. */
  ask(): () => boolean {
    const mine = (this.asked += 1);
    return () => mine === this.asked;
  }
}
