/** One live stream of a subscription (moqt-18 §11.4.2). */
import type { StreamSink } from "./actions.ts";
import type { Leave } from "./datastreams.ts";
import { ResetCode } from "./errors.ts";
import { safeId, toObject } from "./objects.ts";
import type { LiveStream } from "./order.ts";
import { ObjectTooLarge, SubgroupParser } from "./parsers.ts";
import type { TrackSubscription } from "./subscription.ts";
import type { SubgroupHeader } from "./wire/subgroup.ts";
import type { U64 } from "./wire/u64.ts";

export class SubgroupStream implements StreamSink, LiveStream {
  readonly group: number;
  private readonly parser: SubgroupParser;
  private subgroup: U64 | undefined;

  constructor(
    private readonly owner: TrackSubscription,
    private readonly header: SubgroupHeader,
    readonly leave: Leave,
  ) {
    this.group = safeId(header.group, "group ID");
    this.subgroup = header.mode === "firstObject" ? undefined : header.subgroup;
    this.parser = new SubgroupParser(owner.connection.draft, header.hasProperties);
  }

  data(bytes: Uint8Array, at: number): void {
    const { group, owner } = this;
    const priority = this.header.priority ?? owner.defaultPriority;
    try {
      this.parser.push(bytes, ({ id, status, properties }, payload) => {
        const subgroup = (this.subgroup ??= id);
        owner.object({ group, object: id }, () => toObject({ group, subgroup, id, priority, status, properties, payload, at }, owner.connection.draft));
      });
    } catch (e) {
      if (!(e instanceof ObjectTooLarge)) throw e;
      this.leave(ResetCode.EXCESSIVE_LOAD);
      owner.streamClosed(this, { lost: true, endOfGroup: false });
    }
  }

  fin(): void {
    this.parser.end();
    this.leave();
    this.owner.streamClosed(this, { lost: false, endOfGroup: this.header.endOfGroup });
  }

  reset(): void {
    this.leave();
    this.owner.streamClosed(this, { lost: true, endOfGroup: false });
  }
}
