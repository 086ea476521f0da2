package main

import (
	"fmt"
	"strings"

	"moqedge/cmd/moqedge/build"
	"moqedge/moq/wire"
)

type versionCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (versionCommand) Help() string {
	return `Examples:

  moqedge version

  moqedge version --json`
}

// Run prints what the build recorded.
func (c versionCommand) Run(e *environment) error {
	b := build.Read()
	v := struct {
		Version  string   `json:"version"`
		Revision string   `json:"revision,omitempty"`
		Time     string   `json:"time,omitempty"` // of the revision
		Modified bool     `json:"modified"`       // there were changes that are not in the revision
		Go       string   `json:"go"`
		Platform string   `json:"platform"`
		Drafts   []string `json:"drafts"` // of MOQT, preferred first
	}{Version: b.Version, Revision: b.Revision, Time: b.Time, Modified: b.Modified, Go: b.Go, Platform: b.Platform}
	for _, draft := range wire.Versions() {
		v.Drafts = append(v.Drafts, draft.String())
	}
	if c.JSON {
		return e.console.JSON(v)
	}
	e.console.Line(fmt.Sprintf("moqedge %s\nrevision %s\n%s %s\nMOQT %s",
		v.Version, first(v.Revision, "unknown"), v.Go, v.Platform, strings.Join(v.Drafts, ", ")))
	return nil
}
