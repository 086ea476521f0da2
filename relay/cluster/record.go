package cluster

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"

	"moqedge/moq/wire"
	"moqedge/relay"
)

// Limits of what is believed. The text of a namespace takes up to three bytes
// for one, so maxNamespaceText is beyond what wire.MaxFullTrackName permits.
const (
	maxID            = wire.MaxRelayID
	maxRelayRecord   = 16 << 10
	maxNamespaceText = 16 << 10
	maxFingerprints  = 32
	loadSteps        = 20
)

// digest stands for a namespace in a key: subjects of NATS are short, and have
// other rules for what they may hold.
type digest [16]byte

func digestOf(ns wire.Namespace) digest {
	sum := sha256.Sum256([]byte(ns.Key()))
	return digest(sum[:16])
}

var keyText = base64.RawURLEncoding.Strict() // one text per value

func relayKey(id string) string { return "r." + keyText.EncodeToString([]byte(id)) }

func namespaceKey(id string, d digest) string {
	return "n." + keyText.EncodeToString([]byte(id)) + "." + keyText.EncodeToString(d[:])
}

// parseKey returns the relay that a key belongs to, and the digest if it is
// that of a namespace.
func parseKey(key string) (id string, d digest, isNamespace bool, err error) {
	parts := strings.Split(key, ".")
	switch {
	case len(parts) == 2 && parts[0] == "r":
	case len(parts) == 3 && parts[0] == "n":
		isNamespace = true
		b, err := keyText.DecodeString(parts[2])
		if err != nil || len(b) != len(d) {
			return "", d, true, errors.New("no digest of a namespace")
		}
		d = digest(b)
	default:
		return "", d, false, errors.New("neither a relay nor a namespace")
	}
	b, err := keyText.DecodeString(parts[1])
	if err != nil || len(b) == 0 || len(b) > maxID {
		return "", d, isNamespace, errors.New("no relay's ID")
	}
	return string(b), d, isNamespace, nil
}

// holding is a namespace of a relay.
type holding struct {
	namespace wire.Namespace
	hidden    bool // nobody announced it
}

// encode returns the value of a namespace's key: its text form, which has no
// spaces, and what is to be said of it.
func (h holding) encode() []byte {
	text := h.namespace.String()
	if h.hidden {
		text += hiddenMark
	}
	return []byte(text)
}

const hiddenMark = " hidden"

// lease is what a relay says of itself.
type lease struct {
	node relay.Node
	// incarnation differs between two processes that use one ID, by mistake or
	// one after the other.
	incarnation string
	// complete says that all of the relay's namespaces are in the bucket; before
	// that, those that are missing may be on their way.
	complete bool
	// bucket is when the bucket was made that this holds for: it may have been
	// removed and made anew since the relay looked.
	bucket int64
}

// relayRecord is the value of a relay's key.
type relayRecord struct {
	ID           string   `json:"id"`
	Region       string   `json:"region,omitempty"`
	Role         string   `json:"role"`
	URL          string   `json:"url"`
	Fingerprints []string `json:"fingerprints,omitempty"`
	Load         float64  `json:"load"`
	Cost         uint32   `json:"cost"`
	Version      string   `json:"version,omitempty"`
	Incarnation  string   `json:"incarnation"`
	Complete     bool     `json:"complete"`
	Bucket       int64    `json:"bucket"` // in nanoseconds since 1970
}

// encode returns the value of a relay's key. The load is rounded: others are
// told of each change.
func (l lease) encode() []byte {
	n := l.node
	rec := relayRecord{
		ID: n.ID, Region: n.Region, Role: string(n.Role), URL: n.URL, Cost: n.Cost, Version: n.Version,
		Incarnation: l.incarnation, Complete: l.complete, Bucket: l.bucket,
	}
	if n.Load > 0 { // false for what is no number
		rec.Load = math.Round(min(n.Load, 1)*loadSteps) / loadSteps
	}
	for _, f := range n.Fingerprints {
		rec.Fingerprints = append(rec.Fingerprints, hex.EncodeToString(f[:]))
	}
	b, err := json.Marshal(rec)
	if err != nil {
		panic(err) // nothing in it can fail
	}
	return b
}

// decodeLease reads the value of a relay's key. Others wrote it: nothing in it
// is believed unchecked.
func decodeLease(id string, b []byte) (lease, error) {
	if len(b) > maxRelayRecord {
		return lease{}, fmt.Errorf("%d bytes, the limit is %d", len(b), maxRelayRecord)
	}
	var rec relayRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		return lease{}, err
	}
	if rec.ID != id {
		return lease{}, fmt.Errorf("it says that it is %q", rec.ID)
	}
	l := lease{incarnation: rec.Incarnation, complete: rec.Complete, bucket: rec.Bucket, node: relay.Node{
		ID: id, Region: rec.Region, Role: relay.Role(rec.Role), URL: rec.URL, Load: min(max(rec.Load, 0), 1), Cost: max(rec.Cost, 1), Version: rec.Version,
	}}
	if len(rec.Fingerprints) > maxFingerprints {
		return lease{}, fmt.Errorf("%d fingerprints, the limit is %d", len(rec.Fingerprints), maxFingerprints)
	}
	for _, f := range rec.Fingerprints {
		b, err := hex.DecodeString(f)
		if err != nil || len(b) != sha256.Size {
			return lease{}, fmt.Errorf("fingerprint %q is not 64 hexadecimal digits", f)
		}
		l.node.Fingerprints = append(l.node.Fingerprints, [32]byte(b))
	}
	return l, checkNode(l.node)
}

// checkNode returns what keeps a relay from being known to others.
func checkNode(n relay.Node) error {
	if n.ID == "" || len(n.ID) > maxID {
		return fmt.Errorf("the ID has %d bytes; 1 to %d are possible", len(n.ID), maxID)
	}
	if !n.Role.Valid() {
		return fmt.Errorf("role %q is none of edge, shield, origin", n.Role)
	}
	u, err := url.Parse(n.URL)
	if err != nil {
		return err
	}
	if u.Host == "" || (u.Scheme != "moqt" && u.Scheme != "https") {
		return fmt.Errorf("URL %q is neither moqt://host... nor https://host...", n.URL)
	}
	return nil
}

// decodeHolding reads the value of a namespace's key.
func decodeHolding(d digest, b []byte) (holding, error) {
	if len(b) > maxNamespaceText {
		return holding{}, fmt.Errorf("%d bytes, the limit is %d", len(b), maxNamespaceText)
	}
	text, hidden := strings.CutSuffix(string(b), hiddenMark)
	ns, err := wire.ParseNamespace(text)
	if err != nil {
		return holding{}, err
	}
	if digestOf(ns) != d {
		return holding{}, errors.New("the key is that of another namespace")
	}
	return holding{ns, hidden}, nil
}
