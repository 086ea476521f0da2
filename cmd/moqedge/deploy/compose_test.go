package deploy

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"
)

// composeProject is compose.yaml, as Compose reads it.
func composeProject(t *testing.T) *types.Project {
	t.Helper()
	p, err := loadCompose("MOQEDGE_ADMIN_TOKEN", "GRAFANA_PASSWORD")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func loadCompose(set ...string) (*types.Project, error) {
	env := types.Mapping{}
	for _, v := range set {
		env[v] = adminToken
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: dir + "/compose", Environment: env, ConfigFiles: []types.ConfigFile{{Filename: dir + "/compose/compose.yaml"}},
	})
}

// memory is what a node keeps itself below: node.LimitMemory with what it is configured
// for, and a third more for what is not its heap.
func memory(t *testing.T, set map[string]string) int64 {
	t.Helper()
	sessions, err := strconv.ParseInt(set["limits.global.sessions"], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := size(set["retention.cacheBytes"])
	if err != nil {
		t.Fatal(err)
	}
	own := 24<<20 + cache + cache/8 + sessions*256<<10
	return own + own/3
}

// size is a number of bytes as configurations have it.
func size(text string) (int64, error) {
	for unit, factor := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseInt(number, 10, 64)
			return n * factor, err
		}
	}
	return strconv.ParseInt(text, 10, 64)
}

// Without its secrets the tree does not start; with them each node is hardened, healthy
// before those below it start, has memory for what its file permits and as long as its
// drain takes, and everything of it that others than the tree need is published.
func TestCompose(t *testing.T) {
	if _, err := loadCompose("GRAFANA_PASSWORD"); err == nil || !strings.Contains(err.Error(), "MOQEDGE_ADMIN_TOKEN") {
		t.Errorf("without a token: %v", err)
	}
	p := composeProject(t)
	for name, above := range map[string]string{"origin": "", "shield": "origin", "edge": "shield"} {
		s := p.Services[name]
		file := ""
		for _, v := range s.Volumes {
			if v.Target == "/etc/moqedge/node.yaml" && v.ReadOnly {
				file = v.Source
			}
			if v.Target == "/var/lib/moqedge" && v.Type != types.VolumeTypeVolume {
				t.Errorf("%s: certificates are kept in a %s", name, v.Type)
			}
		}
		env := environ()
		for k, v := range s.Environment {
			env = append(env, k+"="+*v)
		}
		set := settings(t, env, file)
		if set["name"] != name || set["certificate.dir"] != "/var/lib/moqedge" || !strings.Contains(set["certificate.hosts"], name) {
			t.Errorf("%s: %v", name, set)
		}
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) || s.Privileged {
			t.Errorf("%s is not hardened", name)
		}
		if int64(s.MemLimit) < memory(t, set) {
			t.Errorf("%s: mem_limit is %d MiB, the node may take %d", name, s.MemLimit>>20, memory(t, set)>>20)
		}
		drain, err := time.ParseDuration(set["drain.timeout"])
		if err != nil || s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < drain+5*time.Second {
			t.Errorf("%s: %v, stop_grace_period %v for a drain of %v", name, err, s.StopGracePeriod, drain)
		}
		if s.HealthCheck == nil || !slices.Equal(s.HealthCheck.Test, types.HealthCheckTest{"CMD", "/moqedge", "health"}) {
			t.Errorf("%s: health check %v", name, s.HealthCheck)
		}
		if above != "" {
			if s.DependsOn[above].Condition != types.ServiceConditionHealthy {
				t.Errorf("%s does not wait for %s", name, above)
			}
			if set["upstream.url"] != "moqt://"+above+":4443" || set["upstream.fingerprintURL"] != "http://"+above+":8080/certificate.sha256" {
				t.Errorf("%s: %s, %s", name, set["upstream.url"], set["upstream.fingerprintURL"])
			}
			aboveSet := settings(t, env, "compose/"+above+".yaml")
			if !strings.HasSuffix(aboveSet["listen"], ":4443") || !strings.HasSuffix(aboveSet["http.listen"], ":8080") {
				t.Errorf("%s listens at %s and %s", above, aboveSet["listen"], aboveSet["http.listen"])
			}
		}
		inner := map[string]bool{"admin.listen": name != "edge"} // what the tree alone reaches
		if name == "shield" {
			inner["listen"], inner["http.listen"] = true, true
		}
		for _, l := range listens(t, env, file) {
			published := slices.ContainsFunc(s.Ports, func(c types.ServicePortConfig) bool {
				return int(c.Target) == l.port && c.Protocol == l.protocol
			})
			if published == inner[l.key] {
				t.Errorf("%s: %s (%d/%s) is published: %t", name, l.key, l.port, l.protocol, published)
			}
		}
		for _, c := range s.Ports {
			if c.Target == 9090 && c.HostIP != "127.0.0.1" {
				t.Errorf("%s: the admin address is for everybody: %q", name, c.HostIP)
			}
		}
		if text, code := moqedge(t, env, "check", file); code != 0 {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// Prometheus of the tree asks each node at its admin address, with the token from a file
// that there is, and reads the rules.
func TestPrometheus(t *testing.T) {
	var c struct {
		RuleFiles     []string `json:"rule_files"`
		ScrapeConfigs []struct {
			Authorization struct {
				Type            string
				CredentialsFile string `json:"credentials_file"`
			}
			StaticConfigs []struct{ Targets []string } `json:"static_configs"`
		} `json:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/prometheus.yml")), &c); err != nil || len(c.ScrapeConfigs) != 1 {
		t.Fatal(err, c)
	}
	p := composeProject(t)
	s := p.Services["prometheus"]
	var secrets []string
	for _, x := range s.Secrets {
		if p.Secrets[x.Source].Environment != "MOQEDGE_ADMIN_TOKEN" {
			t.Errorf("%s is not the token", x.Source)
		}
		secrets = append(secrets, "/run/secrets/"+x.Source)
	}
	a := c.ScrapeConfigs[0].Authorization
	if a.Type != "Bearer" || !slices.Equal(secrets, []string{a.CredentialsFile}) {
		t.Errorf("%s of %s, secrets %q", a.Type, a.CredentialsFile, secrets)
	}
	var want []string
	for _, name := range []string{"origin", "shield", "edge"} {
		for _, l := range listens(t, environ("MOQEDGE_ADMIN_TOKEN="+adminToken), "compose/"+name+".yaml") {
			if l.key == "admin.listen" {
				want = append(want, fmt.Sprintf("%s:%d", name, l.port))
			}
		}
	}
	if got := c.ScrapeConfigs[0].StaticConfigs[0].Targets; !slices.Equal(got, want) {
		t.Errorf("targets %q, nodes %q", got, want)
	}
	mounted := map[string]bool{}
	for _, v := range s.Volumes {
		if _, err := os.Stat(v.Source); v.Type == types.VolumeTypeBind && err != nil {
			t.Error(err)
		}
		mounted[v.Target] = true
	}
	for _, f := range append(c.RuleFiles, "prometheus.yml") {
		if !mounted["/etc/prometheus/"+f] {
			t.Errorf("%s is not mounted", f)
		}
	}
}
