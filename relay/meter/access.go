package meter

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"moqedge/relay"
)

// line is what the access log says of something that is over. Fields that do not
// apply are left out.
type line struct {
	Time          string  `json:"time"` // of the end, RFC 3339
	Event         string  `json:"event"`
	Remote        string  `json:"remote"`
	Subject       string  `json:"subject,omitempty"`
	Role          string  `json:"role,omitempty"`
	Transport     string  `json:"transport,omitempty"`
	Draft         string  `json:"draft,omitempty"`
	Path          string  `json:"path,omitempty"`
	Track         string  `json:"track,omitempty"`
	Began         string  `json:"began"`
	Seconds       float64 `json:"seconds"`
	BytesIn       uint64  `json:"bytesIn"`
	ObjectsIn     uint64  `json:"objectsIn"`
	BytesOut      uint64  `json:"bytesOut"`
	ObjectsOut    uint64  `json:"objectsOut"`
	GroupsSkipped uint64  `json:"groupsSkipped"`
	Code          string  `json:"code"`
	By            string  `json:"by,omitempty"`
	Reason        string  `json:"reason,omitempty"`
}

// longest is how many bytes of a text are logged: a peer chooses how long it is.
const longest = 512

// cut shortens a text, and replaces what is no UTF-8.
func cut(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= longest {
		return s
	}
	n := longest
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// encode makes the line of a record, with its end.
func encode(r relay.Record) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// A struct of texts and numbers can be encoded.
	_ = e.Encode(line{
		Time: r.Ended.UTC().Format(time.RFC3339Nano), Event: r.Kind, Remote: cut(r.Remote), Subject: cut(r.Subject),
		Role: r.Role, Transport: r.Transport, Draft: r.Draft, Path: cut(r.Path), Track: cut(r.Track),
		Began: r.Began.UTC().Format(time.RFC3339Nano), Seconds: max(0, r.Ended.Sub(r.Began).Seconds()),
		BytesIn: r.BytesIn, ObjectsIn: r.ObjectsIn, BytesOut: r.BytesOut, ObjectsOut: r.ObjectsOut, GroupsSkipped: r.GroupsSkipped,
		Code: r.Code, By: r.By, Reason: cut(r.Reason),
	})
	return b.Bytes()
}
