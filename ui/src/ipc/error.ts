import type { AppError } from "./bindings";

/** A refused command: a stable code and a plain sentence without patient identifiers. */
export class IpcError extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
  ) {
    super(detail);
    this.name = "IpcError";
  }

  /** Whatever a command rejects with; a panic or a missing command has no code of its own. */
  static from(reason: unknown): IpcError {
    if (reason instanceof IpcError) return reason;
    if (isAppError(reason)) return new IpcError(reason.code, reason.detail);
    if (reason instanceof Error) return new IpcError("app.internal", reason.message);
    return new IpcError("app.internal", typeof reason === "string" ? reason : "");
  }
}

function isAppError(reason: unknown): reason is AppError {
  if (typeof reason !== "object" || reason === null) return false;
  const { code, detail } = reason as Record<string, unknown>;
  return typeof code === "string" && typeof detail === "string";
}
