package msf

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Version of the catalogs written (MSF "MSF version": drafts name themselves).
const Version = "draft-01"

// TrackName is the name of the track that carries the catalog (MSF "Catalog").
const TrackName = "catalog"

// Packagings of a track (MSF table 3, CMSF table 1).
const (
	PackagingLOC  = "loc"
	PackagingCMAF = "cmaf"
)

// Roles of a track (MSF table 4).
const (
	RoleVideo = "video"
	RoleAudio = "audio"
)

// InitInline is the type of an InitData whose data is base64 text.
const InitInline = "inline"

// Catalog is an independent (full) catalog. Its fields are in the order in
// which they are written: MSF wants the initialization data last.
type Catalog struct {
	Version string `json:"version"` // of MSF; see the constant
	// GeneratedAt is in milliseconds since the Unix epoch.
	GeneratedAt int64 `json:"generatedAt,omitempty"`
	// IsComplete promises that nothing will ever be added to any track.
	IsComplete bool `json:"isComplete,omitempty"`
	// Tracks are all there are, InitDataList what their InitRefs name.
	Tracks       []Track    `json:"tracks"`
	InitDataList []InitData `json:"initDataList,omitempty"`
}

// Track describes one track. Zero fields are left out, except IsLive.
type Track struct {
	Namespace string `json:"namespace,omitempty"` // empty: that of the catalog
	Name      string `json:"name"`                // of the MOQT track
	Packaging string `json:"packaging"`           // PackagingLOC or PackagingCMAF
	IsLive    bool   `json:"isLive"`
	Role      string `json:"role,omitempty"` // RoleVideo or RoleAudio
	// TargetLatency is milliseconds from encoding to display.
	TargetLatency int `json:"targetLatency,omitempty"`
	// Tracks of one RenderGroup are played together; of those of one AltGroup a
	// player takes one.
	RenderGroup int    `json:"renderGroup,omitempty"`
	AltGroup    int    `json:"altGroup,omitempty"`
	InitRef     string `json:"initRef,omitempty"` // ID of an InitData
	// InitData is the CMAF header in base64 (CMSF "Initialization headers",
	// which is older than InitRef; readers look for one or the other).
	InitData string `json:"initData,omitempty"`
	Codec    string `json:"codec,omitempty"` // as WebCodecs and RFC 6381 name it
	// Timescale is units per second of the media timestamps.
	Timescale int `json:"timescale,omitempty"`
	// Bitrate is the maximum in bits per second.
	Bitrate int `json:"bitrate,omitempty"`
	// Width and Height are in pixels, Framerate in frames and SampleRate in
	// samples per second; ChannelConfig is the number of channels, Lang a tag of
	// BCP 47.
	Width         int     `json:"width,omitempty"`
	Height        int     `json:"height,omitempty"`
	Framerate     float64 `json:"framerate,omitempty"`
	SampleRate    int     `json:"samplerate,omitempty"`
	ChannelConfig string  `json:"channelConfig,omitempty"`
	Lang          string  `json:"lang,omitempty"`
}

// InitData is an entry of the initialization data list: Data, in the form that
// Type says (InitInline), under the ID that tracks refer to.
type InitData struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data string `json:"data"`
}

// ErrCatalog reports a document that is not a full catalog this package reads.
var ErrCatalog = errors.New("msf: invalid catalog")

// EncodeInit returns initialization data as the text that catalogs carry.
func EncodeInit(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// Append appends the catalog as JSON. An empty Version becomes Version.
func Append(b []byte, c Catalog) ([]byte, error) {
	if c.Version == "" {
		c.Version = Version
	}
	if c.Tracks == nil {
		c.Tracks = []Track{} // the field is required
	}
	text, err := json.Marshal(c)
	if err != nil {
		return b, err
	}
	return append(b, text...), nil
}

// Parse reads a full catalog; unknown fields are ignored as MSF demands. It
// refuses other versions, deltas, tracks without name or packaging, names that
// occur twice and references to missing initialization data.
func Parse(b []byte) (Catalog, error) {
	var c struct {
		Catalog
		DeltaUpdate json.RawMessage `json:"deltaUpdate"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return Catalog{}, fmt.Errorf("%w: %v", ErrCatalog, err)
	}
	switch {
	case c.DeltaUpdate != nil:
		return Catalog{}, fmt.Errorf("%w: it is a delta update", ErrCatalog)
	case c.Version != Version:
		return Catalog{}, fmt.Errorf("%w: version %q, want %q", ErrCatalog, c.Version, Version)
	case c.Tracks == nil:
		return Catalog{}, fmt.Errorf("%w: no tracks field", ErrCatalog)
	}
	inits := make(map[string]bool, len(c.InitDataList))
	for _, d := range c.InitDataList {
		if d.ID == "" || inits[d.ID] {
			return Catalog{}, fmt.Errorf("%w: initialization data id %q is empty or occurs twice", ErrCatalog, d.ID)
		}
		inits[d.ID] = true
	}
	type fullName struct{ namespace, name string }
	names := make(map[fullName]bool, len(c.Tracks))
	for _, t := range c.Tracks {
		id := fullName{t.Namespace, t.Name}
		switch {
		case t.Name == "" || t.Packaging == "":
			return Catalog{}, fmt.Errorf("%w: track %q lacks a name or packaging", ErrCatalog, t.Name)
		case names[id]:
			return Catalog{}, fmt.Errorf("%w: track %q occurs twice", ErrCatalog, t.Name)
		case t.InitRef != "" && !inits[t.InitRef]:
			return Catalog{}, fmt.Errorf("%w: track %q refers to missing initialization data %q", ErrCatalog, t.Name, t.InitRef)
		}
		names[id] = true
	}
	return c.Catalog, nil
}

// Init returns the decoded initialization data of a track, nil when it has
// none that is inline.
func (c Catalog) Init(t Track) ([]byte, error) {
	text := t.InitData
	for _, d := range c.InitDataList {
		if t.InitRef != "" && d.ID == t.InitRef && d.Type == InitInline {
			text = d.Data
		}
	}
	if text == "" {
		return nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: initialization data of track %q: %v", ErrCatalog, t.Name, err)
	}
	return b, nil
}
