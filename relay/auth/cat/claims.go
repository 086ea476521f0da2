package cat

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"moqedge/relay/auth"
)

// Keys of claims: RFC 8392 §3.1, the registry of CWT claims for those of CTA-5007. Those
// of moq-c4m are not assigned yet: these are the ones of its test vectors.
const (
	keyIssuer   = 1
	keySubject  = 2
	keyAudience = 3
	keyExpires  = 4
	keyNotYet   = 5
	keyIssued   = 6
	keyID       = 7
	keyReplay   = 308
	keyVersion  = 310
	keyNetworks = 311
	keyIfData   = 320 // what to do when a token is refused, as keyIf: for HTTP
	keyIf       = 322
	keyRenewal  = 323 // how to renew it: for HTTP
	keyMOQT     = 327
	keyReval    = 328
)

// Claims are what a token says.
type Claims struct {
	Issuer, Subject, ID string
	Audience            []string
	Expires, NotBefore  time.Time // zero: not said
	Issued              time.Time // zero: not said
	// Revalidate is how long the token may be relied on; 0: until it expires.
	Revalidate time.Duration
	// Networks are where it may be shown from; nil: anywhere.
	Networks []netip.Prefix
	Scopes   []Scope
}

// minRevalidate is the shortest time after which tokens are verified again: those that
// want a shorter one are refused (moq-c4m, moqt-reval).
const minRevalidate = time.Second

// Permits implements auth.Grant. A REQUEST_UPDATE may be about a name without a track.
func (c *Claims) Permits(a auth.Ask) (until time.Time, ok bool) {
	if c.Networks != nil && !slices.ContainsFunc(c.Networks, func(p netip.Prefix) bool { return p.Contains(a.Remote) }) {
		return time.Time{}, false
	}
	action, known := actionOf(a.Verb)
	if !known {
		return time.Time{}, false
	}
	return time.Time{}, slices.ContainsFunc(c.Scopes, func(s Scope) bool {
		if action == RequestUpdate {
			return s.touches(a.Name)
		}
		return s.permits(action, a.Name)
	})
}

// parseClaims reads those of a verified token. What is not known narrows it in a way
// that nobody can tell.
func parseClaims(payload []byte) (*Claims, error) {
	var raw map[any]cbor.RawMessage
	if err := decoding.Unmarshal(payload, &raw); err != nil {
		return nil, malformed("its claims can not be read")
	}
	c := &Claims{}
	for key, value := range raw {
		number, ok := key.(int64)
		if !ok {
			return nil, fmt.Errorf("%w: claim %.40q is not understood", auth.ErrInvalid, fmt.Sprint(key))
		}
		if err := c.read(number, value); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Claims) read(key int64, raw cbor.RawMessage) (err error) {
	ok := true
	switch key {
	case keyIssuer:
		c.Issuer, ok = textString(raw)
	case keySubject:
		c.Subject, ok = textString(raw)
	case keyID:
		var id []byte
		id, ok = byteString(raw)
		c.ID = string(id)
	case keyAudience:
		c.Audience, ok = audience(raw)
	case keyExpires:
		c.Expires, ok = date(raw)
	case keyNotYet:
		c.NotBefore, ok = date(raw)
	case keyIssued:
		c.Issued, ok = date(raw)
	case keyReval:
		return c.readReval(raw)
	case keyMOQT:
		if c.Scopes, err = parseScopes(raw); err != nil {
			return malformed("%s", err)
		}
	case keyVersion:
		return readVersion(raw)
	case keyNetworks:
		c.Networks, ok = networks(raw)
	case keyReplay:
		var n uint64
		if decoding.Unmarshal(raw, &n) != nil || n != 0 { // 0: it may be shown again
			return fmt.Errorf("%w: whether it was shown before can not be told here", auth.ErrInvalid)
		}
	case keyIf, keyIfData, keyRenewal:
	default:
		return fmt.Errorf("%w: claim %d is not understood", auth.ErrInvalid, key)
	}
	if !ok {
		return malformed("claim %d has the wrong type", key)
	}
	return nil
}

func (c *Claims) readReval(raw cbor.RawMessage) error {
	seconds, ok := number(raw)
	switch {
	case !ok || seconds < 0:
		return malformed("moqt-reval is no time")
	case seconds == 0: // never again: the default
		return nil
	case seconds < minRevalidate.Seconds():
		return fmt.Errorf("%w: it is to be verified again more often than is done here", auth.ErrInvalid)
	case seconds > math.MaxInt64/1e9: // 292 years
		return nil
	}
	c.Revalidate = time.Duration(seconds * 1e9)
	return nil
}

func readVersion(raw cbor.RawMessage) error {
	var n uint64
	if text, ok := textString(raw); ok && text == "CAT-v1" || isInteger(raw) && decoding.Unmarshal(raw, &n) == nil && n == 1 {
		return nil
	}
	return fmt.Errorf("%w: a version of CAT that is not known", auth.ErrInvalid)
}

func audience(raw cbor.RawMessage) (all []string, ok bool) {
	if one, ok := textString(raw); ok {
		return []string{one}, true
	}
	items, err := array(raw)
	if err != nil {
		return nil, false
	}
	for _, item := range items {
		one, ok := textString(item)
		if !ok {
			return nil, false
		}
		all = append(all, one)
	}
	return all, true
}

// maxDate bounds times, in seconds: some 30,000 years.
const maxDate = 1e12

func number(raw cbor.RawMessage) (float64, bool) {
	var f float64
	if len(raw) == 0 || raw[0]>>5 > 1 && raw[0]>>5 != 7 || decoding.Unmarshal(raw, &f) != nil || math.IsNaN(f) || isNil(raw) || raw[0]>>5 == 7 && raw[0] < 0xf9 {
		return 0, false
	}
	return f, true
}

// date reads a NumericDate (RFC 8392 §2).
func date(raw cbor.RawMessage) (time.Time, bool) {
	f, ok := number(raw)
	if !ok || math.Abs(f) > maxDate {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(part*1e9)), true
}

// networks reads catnip: addresses and networks (RFC 9164), or text. What is there of
// systems by number, and networks that can not be read, hold nobody.
func networks(raw cbor.RawMessage) ([]netip.Prefix, bool) {
	items, err := array(raw)
	if err != nil {
		return nil, false
	}
	all := []netip.Prefix{}
	for _, item := range items {
		if p, ok := network(item); ok {
			all = append(all, p)
		}
	}
	return all, true
}

func network(raw cbor.RawMessage) (p netip.Prefix, ok bool) {
	if text, ok := textString(raw); ok {
		return parseNetwork(text)
	}
	var named map[string]string
	if decoding.Unmarshal(raw, &named) == nil && len(named) == 1 {
		return parseNetwork(named["ip_range"])
	}
	var tag cbor.RawTag
	if decoding.Unmarshal(raw, &tag) != nil {
		return p, false
	}
	size := map[uint64]int{52: 4, 54: 16}[tag.Number]
	b, whole := byteString(tag.Content)
	bits := 8 * size
	if !whole {
		parts, err := array(tag.Content)
		if err != nil || len(parts) != 2 || decoding.Unmarshal(parts[0], &bits) != nil {
			return p, false
		}
		if b, ok = byteString(parts[1]); !ok || len(b) > size {
			return p, false
		}
		b = append(slices.Clone(b), make([]byte, size-len(b))...) // zeros at the end are left out
	}
	at, ok := netip.AddrFromSlice(b)
	if !ok || len(b) != size || bits < 0 || bits > at.BitLen() {
		return p, false
	}
	return netip.PrefixFrom(at, bits), true
}

func parseNetwork(text string) (netip.Prefix, bool) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		return p, err == nil
	}
	at, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(at, at.BitLen()), true
}

// early is how much the clock of who issued a token may be ahead of this one.
const early = 10 * time.Second

// check returns what is wrong with claims whose MAC is right. The end of a token has no
// tolerance: what is permitted ends with it.
func (c *Claims) check(now time.Time, audience, issuer string) error {
	switch {
	case !c.Expires.IsZero() && !c.Expires.After(now):
		return fmt.Errorf("%w, at %s", auth.ErrExpired, c.Expires.UTC().Format(time.RFC3339))
	case c.NotBefore.After(now.Add(early)):
		return fmt.Errorf("%w: not before %s", auth.ErrInvalid, c.NotBefore.UTC().Format(time.RFC3339))
	case audience != "" && !slices.Contains(c.Audience, audience):
		return fmt.Errorf("%w: it is for another audience", auth.ErrInvalid)
	case issuer != "" && c.Issuer != issuer:
		return fmt.Errorf("%w: it is of another issuer", auth.ErrInvalid)
	case len(c.Scopes) == 0:
		return fmt.Errorf("%w: it permits nothing of MOQT", auth.ErrInvalid)
	}
	return nil
}
