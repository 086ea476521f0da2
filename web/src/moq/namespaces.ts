/** SUBSCRIBE_NAMESPACE: what is being published (moqt-18 §6.1, §10.18). */
import type { Connection } from "./connection.ts";
import { MoqError, RequestError } from "./errors.ts";
import { type OutgoingRequest, requestError, type RequestUser, unansweredError } from "./requests.ts";
import type { NamespaceHandler } from "./types.ts";
import { violation } from "./wire/errors.ts";
import { type Namespace, namespaceText } from "./wire/names.ts";
import { checkRequestOkParameters } from "./wire/params.ts";
import { type Message, MessageType, messageName } from "./wire/types.ts";

export class NamespaceWatch implements RequestUser {
  private readonly request: OutgoingRequest;
  private accepted = false;
  private over = false;
  /** By their printable form. The value is undefined for a namespace that is not UTF-8, which cannot be told. */
  private readonly active = new Map<string, string[] | undefined>();

  constructor(
    private readonly connection: Connection,
    private readonly prefix: string[],
    private readonly on: NamespaceHandler,
  ) {
    const wirePrefix = prefix.map((field) => new TextEncoder().encode(field));
    this.request = connection.openRequest((requestId) => ({ type: MessageType.SUBSCRIBE_NAMESPACE, requestId, prefix: wirePrefix, params: {} }), this);
  }

  /** Ends the watch; the handler is not called any more. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.request.cancel();
  }

  message(m: Message): void {
    if (this.over || m.type === MessageType.GOAWAY) return;
    if (!this.accepted) {
      if (m.type === MessageType.REQUEST_ERROR) return this.end(requestError(m));
      if (m.type !== MessageType.REQUEST_OK) throw violation(`${messageName(m.type)} answers SUBSCRIBE_NAMESPACE`);
      if (m.trackProperties.length > 0) throw violation("Track Properties in the REQUEST_OK for SUBSCRIBE_NAMESPACE");
      checkRequestOkParameters(m.params, MessageType.SUBSCRIBE_NAMESPACE, this.connection.draft);
      this.accepted = true;
    } else if (m.type === MessageType.NAMESPACE) {
      this.add(m.suffix);
    } else if (m.type === MessageType.NAMESPACE_DONE) {
      this.remove(m.suffix);
    } else {
      throw violation(`${messageName(m.type)} has no place in a namespace subscription`);
    }
  }

  private add(suffix: Namespace): void {
    const key = namespaceText(suffix);
    if (this.active.has(key)) return;
    const fields = decode(suffix);
    const namespace = fields === undefined ? undefined : [...this.prefix, ...fields];
    this.active.set(key, namespace);
    if (namespace !== undefined) this.on.add(namespace);
  }

  private remove(suffix: Namespace): void {
    const key = namespaceText(suffix);
    if (!this.active.has(key)) throw violation(`NAMESPACE_DONE for ${key} before its NAMESPACE`);
    const namespace = this.active.get(key);
    this.active.delete(key);
    if (namespace !== undefined) this.on.remove(namespace);
  }

  ended(code?: number): void {
    const e = this.accepted
      ? new MoqError("request", RequestError.INTERNAL_ERROR, "the relay ended the namespace subscription", { retryAfterMs: 0 })
      : unansweredError(code);
    this.end(e);
  }

  closed(e: MoqError): void {
    this.end(e);
  }

  private end(e: MoqError): void {
    if (this.over) return;
    for (const namespace of this.active.values()) {
      if (namespace !== undefined && !this.over) this.on.remove(namespace);
    }
    this.active.clear();
    if (this.over) return;
    this.over = true;
    this.request.cancel();
    this.on.error(e);
  }
}

function decode(n: Namespace): string[] | undefined {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return n.map((field) => utf8.decode(field));
  } catch {
    return undefined;
  }
}
