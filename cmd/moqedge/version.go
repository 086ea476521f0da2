package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

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
	v := struct {
		Version  string   `json:"version"`
		Revision string   `json:"revision,omitempty"`
		Time     string   `json:"time,omitempty"` // of the revision
		Modified bool     `json:"modified"`       // there were changes that are not in the revision
		Go       string   `json:"go"`
		Platform string   `json:"platform"`
		Drafts   []string `json:"drafts"` // of MOQT, preferred first
	}{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	for _, draft := range wire.Versions() {
		v.Drafts = append(v.Drafts, draft.String())
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version = first(info.Main.Version, v.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Revision = s.Value
			case "vcs.time":
				v.Time = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	if c.JSON {
		return e.console.JSON(v)
	}
	e.console.Line(fmt.Sprintf("moqedge %s\nrevision %s\n%s %s\nMOQT %s",
		v.Version, first(v.Revision, "unknown"), v.Go, v.Platform, strings.Join(v.Drafts, ", ")))
	return nil
}
