/** The REQUEST_UPDATEs of one request of ours (moqt-18 §10.9), no more at a time than the peer allows (moqt-19 §10.3.1.7). */
import type { Connection } from "./connection.ts";
import type { MoqError } from "./errors.ts";
import type { OutgoingRequest } from "./requests.ts";
import { violation } from "./wire/errors.ts";
import { checkRequestOkParameters, type Parameters } from "./wire/params.ts";
import { MessageType, type RequestOk } from "./wire/types.ts";

interface Update {
  params: Parameters;
  resolve(): void;
  reject(e: MoqError): void;
}

export class Updates {
  /** Oldest first. */
  private readonly sent: Update[] = [];
  private readonly later: Update[] = [];

  constructor(
    private readonly connection: Connection,
    private readonly request: OutgoingRequest,
  ) {}

  /** Resolves when the peer has accepted. */
  add(params: Parameters): Promise<void> {
    return new Promise((resolve, reject) => {
      this.later.push({ params, resolve, reject });
      this.send();
    });
  }

  private send(): void {
    const limit = this.connection.maxRequestUpdates;
    while (limit === 0 || this.sent.length < limit) {
      const update = this.later.shift();
      if (update === undefined) return;
      this.sent.push(update);
      this.request.send({ type: MessageType.REQUEST_UPDATE, requestId: this.connection.takeRequestId(), params: update.params });
    }
  }

  /** Throws WireError for an answer to nothing. */
  accepted(m: RequestOk): void {
    const update = this.sent.shift();
    if (update === undefined) throw violation("REQUEST_OK without a REQUEST_UPDATE");
    if (m.trackProperties.length > 0) throw violation("Track Properties in the REQUEST_OK for REQUEST_UPDATE");
    checkRequestOkParameters(m.params, MessageType.REQUEST_UPDATE, this.connection.draft);
    update.resolve();
    this.send();
  }

  /** Ends all of them. */
  reject(e: MoqError): void {
    for (const u of [...this.sent.splice(0), ...this.later.splice(0)]) u.reject(e);
  }
}
