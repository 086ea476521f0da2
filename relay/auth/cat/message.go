package cat

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"moqedge/relay/auth"
)

// Bounds of a token, which come before anything of it is believed.
const (
	maxToken    = 8 << 10 // bytes
	maxDepth    = 8       // arrays and maps in each other
	maxElements = 256     // of an array
	maxPairs    = 64      // of a map
)

// decoding and encoding are the same for all; they hold no state. Lengths that are not
// known in advance and keys that are there twice are errors.
var decoding, encoding = modes()

func modes() (cbor.DecMode, cbor.EncMode) {
	dec, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden,
		MaxNestedLevels: maxDepth, MaxArrayElements: maxElements, MaxMapPairs: maxPairs,
		IntDec: cbor.IntDecConvertSigned, TimeTag: cbor.DecTagIgnored,
	}.DecMode()
	if err != nil {
		panic(err) // the options above are constants
	}
	enc, err := cbor.EncOptions{Sort: cbor.SortCanonical}.EncMode()
	if err != nil {
		panic(err)
	}
	return dec, enc
}

// Algorithms of MACs (RFC 9053 §3.1). vectorHMAC256 is what the test vectors of moq-c4m
// call HMAC-SHA256, in their own form of tokens alone.
const (
	hmac256       = 5
	hmac384       = 6
	hmac512       = 7
	vectorHMAC256 = -4
)

// Labels of headers (RFC 9052 §3.1, RFC 9596).
const (
	labelAlgorithm   = 1
	labelCritical    = 2
	labelContentType = 3
	labelKeyID       = 4
	labelType        = 16
)

// Tags (RFC 9052 §2, RFC 8392 §6).
const (
	tagMAC0 = 17
	tagCWT  = 61
)

// message is a token before it is verified.
type message struct {
	algorithm int64
	keyID     string // "" when it names none
	over      []byte // what the MAC is over
	payload   []byte // claims
	mac       []byte
}

// parseMessage reads a token: a COSE_Mac0, tagged or not and maybe tagged as CWT, or
// three parts in base64url with dots between, as in the test vectors of moq-c4m.
func parseMessage(b []byte) (message, error) {
	var m message
	var err error
	switch {
	case len(b) > maxToken:
		return m, malformed("%d bytes, at most %d", len(b), maxToken)
	case bytes.IndexByte(b, '.') > 0 && isText(b):
		m, err = parseDotted(string(b))
	default:
		m, err = parseMAC0(b)
	}
	return m, err
}

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", auth.ErrMalformed, fmt.Sprintf(format, a...))
}

func isText(b []byte) bool {
	for _, c := range b {
		if c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func parseDotted(text string) (m message, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return m, malformed("%d parts, not header, payload and MAC", len(parts))
	}
	var decoded [3][]byte
	for i, p := range parts {
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(p); err != nil {
			return m, malformed("its parts are not base64url")
		}
	}
	m.over, m.payload, m.mac = []byte(parts[0]+"."+parts[1]), decoded[1], decoded[2]
	if err = m.header(decoded[0], true); err == nil && m.algorithm == vectorHMAC256 {
		m.algorithm = hmac256
	}
	return m, err
}

// parseMAC0 reads a COSE_Mac0 (RFC 9052 §6.2).
func parseMAC0(b []byte) (m message, err error) {
	body := cbor.RawMessage(b)
	for _, tag := range []uint64{tagCWT, tagMAC0} {
		if len(body) == 0 || body[0]>>5 != 6 {
			break
		}
		var t cbor.RawTag
		if err := decoding.Unmarshal(body, &t); err != nil {
			return m, malformed("it is no CBOR")
		}
		switch {
		case t.Number == tag:
			body = t.Content
		case t.Number == tagMAC0: // without the tag of CWT
		default:
			return m, fmt.Errorf("%w: a COSE message with tag %d: only those with a MAC (%d) are verified here", auth.ErrInvalid, t.Number, tagMAC0)
		}
	}
	parts, err := array(body)
	if err != nil || len(parts) != 4 {
		return m, malformed("it is no COSE_Mac0")
	}
	protected, ok1 := byteString(parts[0])
	payload, ok2 := byteString(parts[2])
	mac, ok3 := byteString(parts[3])
	if !ok1 || !ok2 || !ok3 {
		return m, malformed("it is no COSE_Mac0")
	}
	if err := m.header(protected, true); err != nil {
		return m, err
	}
	if err := m.header(parts[1], false); err != nil {
		return m, err
	}
	if m.over, err = encoding.Marshal([]any{"MAC0", protected, []byte{}, payload}); err != nil {
		return m, malformed("its parts do not fit")
	}
	m.payload, m.mac = payload, mac
	return m, nil
}

// header reads a map of headers. What a MAC is made by must be protected by it; what is
// critical must be understood (RFC 9052 §3.1).
func (m *message) header(raw []byte, protected bool) error {
	if len(raw) == 0 {
		return malformed("its header does not name an algorithm")
	}
	var h map[any]cbor.RawMessage
	if err := decoding.Unmarshal(raw, &h); err != nil {
		return malformed("its header can not be read")
	}
	algorithm, named := h[int64(labelAlgorithm)]
	switch {
	case named != protected && protected:
		return malformed("its header does not name an algorithm")
	case named != protected:
		return malformed("an algorithm outside the protected header")
	case named:
		if !isInteger(algorithm) || decoding.Unmarshal(algorithm, &m.algorithm) != nil {
			return fmt.Errorf("%w: its algorithm is not known here", auth.ErrInvalid)
		}
	}
	if raw, ok := h[int64(labelKeyID)]; ok {
		id, ok := byteString(raw)
		if !ok || m.keyID != "" && m.keyID != string(id) {
			return malformed("its key ID")
		}
		m.keyID = string(id)
	}
	raw, ok := h[int64(labelCritical)]
	if !ok {
		return nil
	}
	labels, err := array(raw)
	if err != nil || len(labels) == 0 || !protected {
		return malformed("its critical headers")
	}
	for _, l := range labels {
		var label int64
		if !isInteger(l) || decoding.Unmarshal(l, &label) != nil {
			return fmt.Errorf("%w: a critical header that is not known", auth.ErrInvalid)
		}
		switch label {
		case labelAlgorithm, labelContentType, labelKeyID, labelType:
		default:
			return fmt.Errorf("%w: critical header %d is not known", auth.ErrInvalid, label)
		}
	}
	return nil
}

// verifies reports whether a secret made the MAC.
func (m message) verifies(secret []byte) bool {
	mac, err := sum(m.algorithm, secret, m.over)
	return err == nil && hmac.Equal(mac, m.mac)
}

// sum makes a MAC.
func sum(algorithm int64, secret, over []byte) ([]byte, error) {
	var make func() hash.Hash
	switch algorithm {
	case hmac256:
		make = sha256.New
	case hmac384:
		make = sha512.New384
	case hmac512:
		make = sha512.New
	default:
		return nil, errAlgorithm
	}
	h := hmac.New(make, secret)
	h.Write(over)
	return h.Sum(nil), nil
}

var errAlgorithm = errors.New("no HMAC of full length with SHA-256, SHA-384 or SHA-512")

// array reads the items of an array.
func array(raw []byte) (items []cbor.RawMessage, err error) {
	if len(raw) == 0 || raw[0]>>5 != 4 {
		return nil, errors.New("no array")
	}
	err = decoding.Unmarshal(raw, &items)
	return items, err
}

func byteString(raw []byte) (b []byte, ok bool) {
	if len(raw) == 0 || raw[0]>>5 != 2 {
		return nil, false
	}
	err := decoding.Unmarshal(raw, &b)
	return b, err == nil
}

func textString(raw []byte) (s string, ok bool) {
	if len(raw) == 0 || raw[0]>>5 != 3 {
		return "", false
	}
	err := decoding.Unmarshal(raw, &s)
	return s, err == nil
}

func isInteger(raw []byte) bool { return len(raw) > 0 && raw[0]>>5 <= 1 }

func isNil(raw []byte) bool { return len(raw) == 1 && raw[0] == 0xf6 }
