package interop

import (
	"encoding/json"
	"io"
)

// JSON reports by a line of JSON for each event, told apart by "type": run,
// step, result and bail.
type JSON struct {
	// Out gets the report; errors of writing to it are not looked at.
	Out io.Writer
}

// Begin implements Report.
func (j *JSON) Begin(c *Config, planned int) {
	j.line(struct {
		Type    string   `json:"type"`
		Relay   string   `json:"relay"`
		Drafts  []string `json:"drafts,omitempty"`
		Planned int      `json:"planned"`
	}{"run", c.URL, c.Dial.Versions, planned})
}

// Step implements Report.
func (j *JSON) Step(name, text string) {
	j.line(struct {
		Type string `json:"type"`
		Name string `json:"name"`
		Text string `json:"text"`
	}{"step", name, text})
}

// Result implements Report.
func (j *JSON) Result(r Result) {
	ids := map[string]string{}
	for _, c := range r.Connections {
		ids[connectionKey(c.Role)] = c.ID
	}
	j.line(struct {
		Type        string            `json:"type"`
		Name        string            `json:"name"`
		Outcome     Outcome           `json:"outcome"`
		DurationMs  int64             `json:"durationMs"`
		Draft       string            `json:"draft,omitempty"`
		Transport   string            `json:"transport,omitempty"`
		Message     string            `json:"message,omitempty"`
		Expected    string            `json:"expected,omitempty"`
		Received    string            `json:"received,omitempty"`
		Differences []string          `json:"differences,omitempty"`
		Connections map[string]string `json:"connections,omitempty"`
	}{"result", r.Name, r.Outcome, milliseconds(r.Duration), r.Draft, r.Transport, r.Message, r.Expected, r.Received, r.Differences, ids})
}

// Bail implements Report.
func (j *JSON) Bail(reason string) {
	j.line(struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
	}{"bail", reason})
}

func (j *JSON) line(v any) {
	if b, err := json.Marshal(v); err == nil { // it never fails: all fields are strings and numbers
		_, _ = j.Out.Write(append(b, '\n'))
	}
}
