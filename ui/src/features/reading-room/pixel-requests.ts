import { letGo, type PixelImage } from "../../ipc";

type Ask = (instanceUid: string) => Promise<PixelImage>;

/** Decoded images on their way; one place, so that the first is asked for at the click itself. */
export class PixelRequests {
  private pending = new Map<string, Promise<PixelImage>>();
  /** Images that are likely to be asked for next: those of the studies before and after. */
  private neighbours = new Map<string, Promise<PixelImage>>();

  /** `first` brings what is shown first of an image, `whole` all of it. */
  constructor(
    private readonly first: Ask,
    private readonly whole: Ask,
  ) {}

  /** Starts to decode; the viewer takes it over with `take`. */
  ahead(instanceUid: string): void {
    const known = this.neighbours.get(instanceUid) ?? this.pending.get(instanceUid);
    this.neighbours.delete(instanceUid);
    this.pending.delete(instanceUid);
    drop(this.pending);
    this.pending.set(instanceUid, known ?? this.begin(instanceUid));
  }

  /** The study is not opened after all: nobody takes its image. */
  giveUp(instanceUid: string): void {
    const request = this.pending.get(instanceUid);
    this.pending.delete(instanceUid);
    if (request) free(request);
  }

  /** Decodes what is likely to be opened next, one after the other, in place of what was likely before. */
  async expect(instanceUids: readonly string[]): Promise<void> {
    for (const [uid, request] of this.neighbours) {
      if (instanceUids.includes(uid)) continue;
      this.neighbours.delete(uid);
      free(request);
    }
    for (const uid of instanceUids) {
      if (this.neighbours.has(uid)) continue;
      const request = this.begin(uid);
      this.neighbours.set(uid, request);
      // Each decodes on a processor that something else may want: never two at a time.
      await request.catch(() => undefined);
      // Meanwhile it was opened, or others are likely now.
      if (this.neighbours.get(uid) !== request) return;
    }
  }

  /** What is shown first, once: nobody else holds on to the buffer. */
  take(instanceUid: string): Promise<PixelImage> {
    const ahead = this.pending.get(instanceUid);
    this.pending.delete(instanceUid);
    return ahead ?? this.first(instanceUid);
  }

  /** The whole of an image of which a smaller copy is shown. */
  rest(instanceUid: string): Promise<PixelImage> {
    return this.whole(instanceUid);
  }

  clear(): void {
    drop(this.pending);
    drop(this.neighbours);
  }

  private begin(instanceUid: string): Promise<PixelImage> {
    const request = this.first(instanceUid);
    // The viewer that takes it shows the error.
    request.catch(() => undefined);
    return request;
  }
}

function free(request: Promise<PixelImage>): void {
  void request.then(letGo, () => undefined);
}

function drop(requests: Map<string, Promise<PixelImage>>): void {
  requests.forEach(free);
  requests.clear();
}
