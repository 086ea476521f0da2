package wire

import "time"

// DefaultPriority is the priority of publishers and subscribers that give none
// (moqt-18 §10.2.7, §12.4).
const DefaultPriority = 128

// Mandatory Track Properties are the types in this range (moqt-18 §2.5.1).
const (
	MinMandatoryProperty = 0x4000
	MaxMandatoryProperty = 0x7FFF
)

// TrackInfo is what the Track Properties say about a Track, with the defaults of
// moqt-18 §12 filled in. Times of 0 mean unset: no timeout, no limit.
type TrackInfo struct {
	// ObjectDeliveryTimeout and SubgroupDeliveryTimeout are the publisher's
	// (moqt-18 §12.1, §12.2); MaxCacheDuration is how long a relay may hand an
	// Object out (moqt-18 §12.3).
	ObjectDeliveryTimeout, SubgroupDeliveryTimeout, MaxCacheDuration time.Duration

	PublisherPriority uint8      // default 128; lower is more important
	GroupOrder        GroupOrder // moqt-18 §12.5
	DynamicGroups     bool       // the publisher takes NEW_GROUP_REQUEST (moqt-18 §12.6)
	// UnknownMandatory is the first Mandatory Track Property, or 0. This package
	// understands none, so the Track must not be processed (moqt-18 §2.5.1) unless
	// the session lacks FeatureMandatoryProperties.
	UnknownMandatory uint64
}

// TrackInfo reads p as Track Properties, those inside Immutable Properties
// included. It returns an [*Error] for bad framing and for the values that
// moqt-18 §12.4 to §12.6 forbid.
func (p Properties) TrackInfo() (TrackInfo, error) {
	info := TrackInfo{PublisherPriority: DefaultPriority, GroupOrder: GroupOrderAscending}
	if err := p.Validate(); err != nil {
		return TrackInfo{}, err
	}
	millis := func(t uint64) time.Duration {
		v, _ := p.Uint(t)
		return fromMillis(v)
	}
	info.ObjectDeliveryTimeout = millis(PropObjectDeliveryTimeout)
	info.SubgroupDeliveryTimeout = millis(PropSubgroupDeliveryTimeout)
	info.MaxCacheDuration = millis(PropMaxCacheDuration)
	if v, ok := p.Uint(PropPublisherPriority); ok {
		if v > 255 {
			return TrackInfo{}, violation("publisher priority %d is more than 255", v)
		}
		info.PublisherPriority = uint8(v)
	}
	if v, ok := p.Uint(PropGroupOrder); ok {
		if v > 255 || !GroupOrder(v).valid() {
			return TrackInfo{}, violation("publisher group order %d does not exist", v)
		}
		info.GroupOrder = GroupOrder(v)
	}
	if v, ok := p.Uint(PropDynamicGroups); ok {
		if v > 1 {
			return TrackInfo{}, violation("DYNAMIC_GROUPS is %d, not 0 or 1", v)
		}
		info.DynamicGroups = v == 1
	}
	outside := decoder{b: p}
	info.UnknownMandatory = outside.firstMandatory()
	if immutable, ok := p.Bytes(PropImmutable); ok && info.UnknownMandatory == 0 {
		inside := immutableContents(immutable)
		info.UnknownMandatory = inside.firstMandatory()
	}
	return info, nil
}

func (d *decoder) firstMandatory() uint64 {
	for prev := uint64(0); len(d.b) > 0; {
		kv := d.pair(prev)
		if d.err != nil {
			break
		}
		if kv.mandatory() {
			return kv.Type
		}
		prev = kv.Type
	}
	return 0
}

func (kv KeyValue) mandatory() bool {
	return kv.Type >= MinMandatoryProperty && kv.Type <= MaxMandatoryProperty
}
