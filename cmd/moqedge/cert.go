package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"moqedge/certs"
)

type certCommand struct {
	Dir  string   `placeholder:"DIR" help:"Folder of the certificate. (default: moqedge in the cache folder of the user)"`
	Host []string `placeholder:"NAME" help:"Further name or address in it; may be repeated."`
	JSON bool     `name:"json" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (certCommand) Help() string {
	return `A development certificate is for localhost and the given hosts, lasts 10 days, and is trusted by
its fingerprint. The one that takes its place then is there already, and its fingerprint shown: who
accepts both is let in until that one ends. New ones are made when the folder has none, or those lack
a host. A node uses it with certificate: {development: true, dir: DIR}.

Examples:

  moqedge cert

  moqedge cert --dir ./certs --host media.local --host 192.0.2.7 --json`
}

// Run makes the certificate and prints it.
func (c certCommand) Run(e *environment) error {
	dir := c.Dir
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("there is no cache folder, give one by --dir: %w", err)
		}
		dir = filepath.Join(cache, "moqedge")
	}
	source, err := certs.Development(dir, c.Host, e.log)
	if err != nil {
		return err
	}
	defer source.Close()
	shown, err := source.GetCertificate(nil)
	if err != nil {
		return err
	}
	hosts := append([]string(nil), shown.Leaf.DNSNames...)
	for _, ip := range shown.Leaf.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	out := struct {
		Fingerprint string    `json:"fingerprint"`
		Next        string    `json:"next"` // what takes its place at its end
		NotBefore   time.Time `json:"notBefore"`
		NotAfter    time.Time `json:"notAfter"`
		Hosts       []string  `json:"hosts"`
		Dir         string    `json:"dir"`
	}{source.FingerprintHex(), certs.Hex(source.Fingerprints()[1:]), shown.Leaf.NotBefore.UTC(), shown.Leaf.NotAfter.UTC(), hosts, dir}
	if c.JSON {
		return e.console.JSON(out)
	}
	e.console.Line(fmt.Sprintf("fingerprint %s\nvalid until %s\nand then    %s\nhosts       %s\nfolder      %s",
		out.Fingerprint, out.NotAfter.Format(time.RFC3339), out.Next, strings.Join(hosts, ", "), dir))
	return nil
}
