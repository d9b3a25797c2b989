import type { EngineStatus, ModelPack, ShellEvent } from "../src/ipc";
import { candidate } from "./second";
import type { PreviewOptions } from "./shell";

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Models and engines of the preview, and a pack that comes in. */
export class PreviewPacks {
  private job: string | null = null;
  private added: ModelPack[] = [];

  constructor(
    private readonly emit: (event: ShellEvent) => void,
    private readonly options: PreviewOptions,
  ) {}

  readonly answers: Record<string, (args: any) => unknown> = {
    engines: () => this.engines(),
    models: () => this.models(),
    verify_model: () => wait(500),
    pack_choose: async () => {
      await wait(400);
      return candidate(this.options.refusePack);
    },
    pack_add: ({ quantize }) => {
      this.job = "pack-1";
      void this.addPack(quantize);
      return "pack-1";
    },
    pack_add_cancel: () => {
      this.job = null;
      return null;
    },
    pack_remove: ({ id }) => {
      this.added = this.added.filter((p) => p.id !== id);
      return null;
    },
  };

  private async addPack(quantize: string): Promise<void> {
    const job = "pack-1";
    const slow = this.options.slowDraft ? 8 : 1;
    for (const phase of ["checking", "hashing", "converting", "copying"] as const) {
      for (let step = 0; step < 4; step++) {
        if (this.job !== job) return this.emit({ event: "pack_failed", job, code: "pack.cancelled", detail: "cancelled" });
        const detail = phase === "checking" ? "config.json" : `model-0000${step < 2 ? 1 : 2}-of-00002.safetensors`;
        this.emit({ event: "pack_progress", job, phase, fraction: step / 4, detail });
        await wait(120 * slow);
      }
      if (phase === "hashing" && this.options.failPack) {
        return this.emit({ event: "pack_failed", job, code: "pack.not_finite", detail: "number 1204 of tensor language_model.model.layers.3.mlp.up_proj.weight in model-00001-of-00002.safetensors is NaN; the weights are damaged" });
      }
    }
    this.job = null;
    this.added = [{
      ...this.pack("medgemma", "medgemma-1.5-4b-it", 2_640_000_000),
      id: "medgemma-1-5-4b-it", demo: false, quantization: quantize, arithmetic: "", source: "medgemma-1.5-4b-it", terms: candidate(false).terms, notice: candidate(false).notice, card: null,
      termsAcceptedAt: "2026-11-23 14:20:11 +01:00", device: "CPU, 8 threads (AVX2, FMA)", memoryBytes: 3_310_000_000, loadSeconds: 21.4, tokensPerSecond: 6.3, imageSeconds: null,
    }];
    this.emit({ event: "pack_added", job, id: "medgemma-1-5-4b-it" });
  }

  engines(): EngineStatus[] {
    const none = this.options.noModels;
    return [
      { role: "draft", state: none ? "no_model" : "ready", packName: none ? null : "MedGemma demo pack", demo: !none, code: null },
      { role: "encode", state: none ? "no_model" : "ready", packName: none ? null : "MedSigLIP demo pack", demo: !none, code: null },
    ];
  }

  private pack(kind: string, name: string, bytes: number): ModelPack {
    return {
      id: kind,
      kind,
      name,
      demo: true,
      hash: "b7c41d".repeat(10),
      bytes,
      source: "trained in this repository on drawn radiographs",
      terms: "MIT OR Apache-2.0",
      notice: "A demonstration without medical meaning.",
      quantization: "none",
      arithmetic: "",
      card: "# Demo pack\n\nSmall model of the same architecture.\n",
      inUse: true,
      termsAcceptedAt: null,
      device: "CPU, 8 threads (AVX2, FMA)",
      memoryBytes: bytes * 1.2,
      loadSeconds: 0.4,
      tokensPerSecond: kind === "medgemma" ? 212.4 : null,
      imageSeconds: kind === "medsiglip" ? 0.1 : null,
    };
  }

  private models(): ModelPack[] {
    if (this.options.noModels) return this.added;
    const demo = [this.pack("medgemma", "MedGemma demo pack", 22_400_000), this.pack("medsiglip", "MedSigLIP demo pack", 11_200_000)];
    if (this.added.length > 0) demo[0]!.inUse = false;
    return [...this.added, ...demo];
  }
}
