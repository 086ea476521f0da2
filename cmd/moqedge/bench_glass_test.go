package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What can not be measured is said before anything is started, and leaves no report.
func TestBenchGlassRefuses(t *testing.T) {
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"--rounds 0":                     {exitUsage, "--rounds is 0"},
		"--duration=-1s":                 {exitUsage, "--duration is -1s"},
		"--systems hls":                  {exitUsage, "must be one of"},
		"--link snail":                   {exitUsage, `unknown link "snail"`},
		"--moq moqt://relay.example":     {exitUsage, "https://HOST:PORT/PATH"},
		"--whep relay.example/whep/demo": {exitUsage, "WHEP"},
		"--browser /nowhere/chromium":    {exitFailure, "no Chromium was found"},
	} {
		report := filepath.Join(t.TempDir(), "report.html")
		line := append([]string{"bench", "glass", "--report", report}, strings.Fields(args)...)
		code, out, errs := execute(t, line...)
		if code != want.code || !strings.Contains(errs, want.text) {
			t.Errorf("%s: exit code %d, %q", args, code, errs)
		}
		if _, err := os.Stat(report); !os.IsNotExist(err) || out != "" {
			t.Errorf("%s: %q, report: %v", args, out, err)
		}
	}
}
