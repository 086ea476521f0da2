package wire

import (
	"slices"
	"time"
)

// parameterForm is how a draft writes the values of parameters.
type parameterForm struct {
	// pairs says that they are Key-Value-Pairs: even types have an integer, odd
	// ones bytes after their length (moqt-16 §9.2). Otherwise each parameter has a
	// form of its own (moqt-18 §10.2).
	pairs  bool
	filter filterForm
}

var (
	form16 = parameterForm{pairs: true, filter: typedFilter(false)}
	form18 = parameterForm{filter: typedFilter(true)}
	form20 = parameterForm{filter: countedFilter}
	form22 = parameterForm{filter: explicitFilter}
)

// The Message Parameters of the drafts.
var (
	parameters16 = parameterTable(form16, places16)
	parameters18 = parameterTable(form18, places18)
	parameters19 = parameterTable(form18, places19)
	parameters20 = parameterTable(form20, places20)
	parameters22 = parameterTable(form22, places20)
)

// parameterTable returns every parameter there is, in ascending order of type.
// Those that the draft lacks are allowed nowhere.
func parameterTable(form parameterForm, where places) []parameter {
	table := []parameter{
		form.objectDeliveryTimeout(),
		tokenParameter(),
		millisParameter(paramRendezvousTimeout, "RENDEZVOUS_TIMEOUT",
			func(p *Parameters) *Option[time.Duration] { return &p.RendezvousTimeout }),
		millisParameter(paramSubgroupDeliveryTimeout, "SUBGROUP_DELIVERY_TIMEOUT",
			func(p *Parameters) *Option[time.Duration] { return &p.SubgroupDeliveryTimeout }),
		millisParameter(paramExpires, "EXPIRES",
			func(p *Parameters) *Option[time.Duration] { return &p.Expires }),
		form.largestObject(),
		millisParameter(paramFillTimeout, "FILL_TIMEOUT",
			func(p *Parameters) *Option[time.Duration] { return &p.FillTimeout }),
		form.flag(paramForward, "FORWARD", func(p *Parameters) *Option[bool] { return &p.Forward }),
		smallParameter(form, paramSubscriberPriority, "SUBSCRIBER_PRIORITY", 0, 255,
			func(p *Parameters) *Option[uint8] { return &p.SubscriberPriority }),
		optionParameter(paramFilter, "LOCATION_FILTER",
			func(p *Parameters) *Option[Filter] { return &p.Filter }, form.filter.encode, form.filter.decode),
		form.groupOrder(),
		optionParameter(paramFill, "FILL_PARAMETERS",
			func(p *Parameters) *Option[FillParameters] { return &p.FillParameters }, (*encoder).fill, nil),
		rangeParameter(RangeSubgroup),
		rangeParameter(RangeObjectID),
		rangeParameter(RangePriority),
		rangeParameter(RangeObjectProperty),
		rangeParameter(RangeTrackProperty),
		optionParameter(paramNewGroupRequest, "NEW_GROUP_REQUEST",
			func(p *Parameters) *Option[uint64] { return &p.NewGroupRequest },
			(*encoder).varint, (*decoder).varint),
		optionParameter(paramTrackNamespacePrefix, "TRACK_NAMESPACE_PREFIX",
			func(p *Parameters) *Option[Namespace] { return &p.TrackNamespacePrefix },
			(*encoder).namespace, (*decoder).namespace),
		form.flag(paramIncludeProperties, "INCLUDE_PROPERTIES",
			func(p *Parameters) *Option[bool] { return &p.IncludeProperties }),
	}
	for i := range table {
		spec := &table[i]
		spec.allowed, spec.advice = where[spec.typ], advice[spec.typ]
		if spec.typ == paramFill {
			spec.decode = (*decoder).fill // says more about its surroundings than a value
		}
	}
	return table
}

func optionParameter[T any](t uint64, name string, field func(*Parameters) *Option[T],
	encode func(*encoder, T), decode func(*decoder) T) parameter {
	return parameter{
		typ: t, name: name,
		count: func(p *Parameters) int {
			if field(p).Set {
				return 1
			}
			return 0
		},
		encode: func(e *encoder, p *Parameters, _ int) { encode(e, field(p).Value) },
		decode: func(d *decoder, p *Parameters) { *field(p) = Some(decode(d)) },
		clear:  func(p *Parameters) { *field(p) = Option[T]{} },
	}
}

func millisParameter(t uint64, name string, field func(*Parameters) *Option[time.Duration]) parameter {
	return optionParameter(t, name, field,
		func(e *encoder, v time.Duration) { e.millis(name, v) }, (*decoder).millis)
}

// objectDeliveryTimeout is DELIVERY_TIMEOUT in draft 16, which has no way to say
// that there is none (moqt-16 §9.2.2.2).
func (form parameterForm) objectDeliveryTimeout() parameter {
	field := func(p *Parameters) *Option[time.Duration] { return &p.ObjectDeliveryTimeout }
	spec := millisParameter(paramObjectDeliveryTimeout, "OBJECT_DELIVERY_TIMEOUT", field)
	if !form.pairs {
		return spec
	}
	count, decode := spec.count, spec.decode
	spec.count = func(p *Parameters) int {
		if field(p).Value == 0 {
			return 0
		}
		return count(p)
	}
	spec.decode = func(d *decoder, p *Parameters) {
		decode(d, p)
		if d.err == nil && field(p).Value == 0 {
			d.fail(violation("DELIVERY_TIMEOUT is 0"))
		}
	}
	return spec
}

// groupOrder is taken for left out if it is 0 in draft 16. Strictly, moqt-16
// §9.2.2.4 wants a PROTOCOL_VIOLATION for any value but 1 and 2. This is a
// deliberate exception so that the released Shaka Player 5.2.12 works: it sends
// 0 for "the publisher's order", as draft 14 had it. Nothing here writes 0.
func (form parameterForm) groupOrder() parameter {
	spec := smallParameter(form, paramGroupOrder, "GROUP_ORDER", GroupOrderAscending, GroupOrderDescending,
		func(p *Parameters) *Option[GroupOrder] { return &p.GroupOrder })
	if !form.pairs {
		return spec
	}
	decode := spec.decode
	spec.decode = func(d *decoder, p *Parameters) {
		ahead := *d
		if ahead.varint() == 0 && ahead.err == nil {
			*d = ahead
			return
		}
		decode(d, p)
	}
	return spec
}

// smallParameter is one byte, or an integer in draft 16, from least to most.
func smallParameter[T ~uint8](form parameterForm, t uint64, name string, least, most T,
	field func(*Parameters) *Option[T]) parameter {
	return optionParameter(t, name, field,
		func(e *encoder, v T) {
			if v < least || v > most {
				e.fail("%s is %d, not %d to %d", name, v, least, most)
			}
			form.encodeSmall(e, uint8(v))
		},
		func(d *decoder) T {
			v := form.decodeSmall(d)
			if d.err == nil && (v < uint64(least) || v > uint64(most)) {
				d.fail(violation("%s is %d, not %d to %d", name, v, least, most))
			}
			return T(v)
		})
}

func (form parameterForm) encodeSmall(e *encoder, v uint8) {
	if form.pairs {
		e.varint(uint64(v))
	} else {
		e.uint8(v)
	}
}

func (form parameterForm) decodeSmall(d *decoder) uint64 {
	if form.pairs {
		return d.varint()
	}
	return uint64(d.uint8())
}

// flag is 0 or 1.
func (form parameterForm) flag(t uint64, name string, field func(*Parameters) *Option[bool]) parameter {
	return optionParameter(t, name, field,
		func(e *encoder, v bool) { form.encodeSmall(e, flagByte(v)) },
		func(d *decoder) bool { return d.flagValue(name, form.decodeSmall(d)) })
}

// largestObject is a Location, in draft 16 after its length.
func (form parameterForm) largestObject() parameter {
	encode, decode := (*encoder).location, (*decoder).location
	if form.pairs {
		encode = func(e *encoder, l Location) {
			inner := encoder{draft: e.draft}
			inner.location(l)
			e.nested(&inner)
		}
		decode = func(d *decoder) Location {
			raw := d.prefixed("LARGEST_OBJECT", MaxKeyValueLen)
			inner := decoder{draft: d.draft, b: raw}
			l := inner.location()
			if d.err == nil && (inner.err != nil || len(inner.b) > 0) {
				d.fail(badKeyValue("LARGEST_OBJECT of %d bytes is no Location", len(raw)))
			}
			return l
		}
	}
	return optionParameter(paramLargestObject, "LARGEST_OBJECT",
		func(p *Parameters) *Option[Location] { return &p.LargestObject }, encode, decode)
}

func tokenParameter() parameter {
	const name = "AUTHORIZATION_TOKEN"
	return parameter{
		typ: paramAuthorizationToken, name: name, repeats: true,
		count: func(p *Parameters) int { return len(p.AuthTokens) },
		encode: func(e *encoder, p *Parameters, i int) {
			inner := encoder{draft: e.draft}
			inner.token(p.AuthTokens[i])
			e.nested(&inner)
		},
		decode: func(d *decoder, p *Parameters) {
			raw := d.prefixed(name, MaxMessagePayload)
			if d.err != nil {
				return
			}
			token, err := parseToken(d.draft, raw)
			if err != nil {
				d.fail(err)
			}
			p.AuthTokens = append(p.AuthTokens, token)
		},
		clear: func(p *Parameters) { p.AuthTokens = nil },
	}
}

// rangeParameter takes those of the RangeFilters that have the type.
func rangeParameter(t RangeFilterType) parameter {
	return parameter{
		typ: uint64(t), name: t.String(), repeats: true,
		count: func(p *Parameters) int {
			n := 0
			for i := range p.RangeFilters {
				if p.RangeFilters[i].Type == t {
					n++
				}
			}
			return n
		},
		encode: func(e *encoder, p *Parameters, i int) {
			for _, f := range p.RangeFilters {
				if f.Type != t {
					continue
				}
				if i == 0 {
					e.rangeFilter(f)
				}
				i--
			}
		},
		decode: func(d *decoder, p *Parameters) { d.rangeFilter(t, p) },
		clear: func(p *Parameters) {
			p.RangeFilters = slices.DeleteFunc(slices.Clone(p.RangeFilters), func(f RangeFilter) bool { return f.Type == t })
		},
	}
}

func flagByte(v bool) uint8 {
	if v {
		return 1
	}
	return 0
}

// flag reads a uint8 that must be 0 or 1.
func (d *decoder) flag(what string) bool { return d.flagValue(what, uint64(d.uint8())) }

func (d *decoder) flagValue(what string, v uint64) bool {
	if v > 1 {
		d.fail(violation("%s is %d, not 0 or 1", what, v))
	}
	return v == 1
}

func (e *encoder) flag(v bool) { e.uint8(flagByte(v)) }
