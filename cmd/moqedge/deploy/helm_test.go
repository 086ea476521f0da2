package deploy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// rendered are the objects of the chart, by name.
type rendered struct {
	configs      map[string]corev1.ConfigMap
	services     map[string]corev1.Service
	secrets      map[string]corev1.Secret
	deployments  map[string]appsv1.Deployment
	statefulSets map[string]appsv1.StatefulSet
	budgets      map[string]policyv1.PodDisruptionBudget
	scalers      map[string]autoscalingv2.HorizontalPodAutoscaler
	others       map[string]map[string]any // by kind
}

// render makes the objects of values, each decoded strictly.
func render(values string) (rendered, error) {
	r := rendered{
		map[string]corev1.ConfigMap{}, map[string]corev1.Service{}, map[string]corev1.Secret{}, map[string]appsv1.Deployment{},
		map[string]appsv1.StatefulSet{}, map[string]policyv1.PodDisruptionBudget{}, map[string]autoscalingv2.HorizontalPodAutoscaler{}, map[string]map[string]any{},
	}
	chart, err := loader.Load("helm")
	if err != nil {
		return r, err
	}
	var given map[string]any
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		return r, err
	}
	release := chartutil.ReleaseOptions{Name: "live", Namespace: "media", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return r, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return r, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for document := range strings.SplitSeq(files[name], "\n---\n") {
			if err := r.add(document); err != nil {
				return r, fmt.Errorf("%s: %w\n%s", name, err, document)
			}
		}
	}
	return r, nil
}

func (r rendered) add(document string) error {
	var head struct {
		Kind     string
		Metadata struct{ Name string }
	}
	if err := yaml.Unmarshal([]byte(document), &head); err != nil || head.Kind == "" {
		return err
	}
	switch head.Kind {
	case "ConfigMap":
		return decode(document, r.configs, head.Metadata.Name)
	case "Service":
		return decode(document, r.services, head.Metadata.Name)
	case "Secret":
		return decode(document, r.secrets, head.Metadata.Name)
	case "Deployment":
		return decode(document, r.deployments, head.Metadata.Name)
	case "StatefulSet":
		return decode(document, r.statefulSets, head.Metadata.Name)
	case "PodDisruptionBudget":
		return decode(document, r.budgets, head.Metadata.Name)
	case "HorizontalPodAutoscaler":
		return decode(document, r.scalers, head.Metadata.Name)
	case "ServiceMonitor": // a type of the Prometheus operator
		var x map[string]any
		r.others[head.Kind] = x
		err := yaml.UnmarshalStrict([]byte(document), &x)
		r.others[head.Kind] = x
		return err
	}
	return fmt.Errorf("unknown kind %s", head.Kind)
}

func decode[T any](document string, into map[string]T, name string) error {
	var x T
	if _, twice := into[name]; twice {
		return fmt.Errorf("two have the name %s", name)
	}
	if err := yaml.UnmarshalStrict([]byte(document), &x); err != nil {
		return err
	}
	into[name] = x
	return nil
}

// pods are the templates of a role's pods.
func (r rendered) pods(role string) (corev1.PodTemplateSpec, bool) {
	if d, ok := r.deployments["live-moqedge-"+role]; ok {
		return d.Spec.Template, true
	}
	s, ok := r.statefulSets["live-moqedge-"+role]
	return s.Spec.Template, ok
}

// variables are those that a container of a role is given, of the pod with a name.
func variables(c corev1.Container, pod string) []string {
	var all []string
	for _, e := range c.Env {
		switch {
		case e.ValueFrom == nil:
			all = append(all, e.Name+"="+e.Value)
		case e.ValueFrom.FieldRef != nil:
			all = append(all, e.Name+"="+pod)
		case e.ValueFrom.SecretKeyRef != nil:
			all = append(all, e.Name+"="+adminToken)
		}
	}
	return all
}

// checkRole checks a role of what was rendered: its file is right, every port that the
// node then opens is one of its container and of its services, and it has time to drain.
func checkRole(t *testing.T, r rendered, role string) {
	t.Helper()
	name := "live-moqedge-" + role
	template, found := r.pods(role)
	if !found || len(template.Spec.Containers) != 1 {
		t.Fatalf("%s: found %t", role, found)
	}
	pod, c := template.Spec, template.Spec.Containers[0]
	text := r.configs[name].Data["node.yaml"]
	dir := t.TempDir()
	certificate, key := certificate(t, "live.example")
	text = strings.NewReplacer("/etc/moqedge/tls/tls.crt", certificate, "/etc/moqedge/tls/tls.key", key, "/etc/moqedge/tls/ca.crt", certificate,
		"/etc/moqedge/keys/keys.json", key, "/var/lib/moqedge", dir).Replace(text)
	file := filepath.Join(dir, "node.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := environ(variables(c, name+"-0")...)
	if said, code := moqedge(t, env, "check", "-c", file); code != 0 {
		t.Fatalf("%s: %s\n%s", role, said, text)
	}
	mounts := map[string]string{}
	for _, m := range c.VolumeMounts {
		mounts[m.MountPath] = m.Name
	}
	if !slices.Contains(env, "MOQEDGE_CONFIG=/etc/moqedge/node/node.yaml") || mounts["/etc/moqedge/node"] == "" || mounts["/var/lib/moqedge"] == "" {
		t.Errorf("%s: its file is not mounted: %v", role, mounts)
	}
	want, public := map[string]int{}, map[string]int{}
	for _, l := range listens(t, env, file) {
		at := fmt.Sprintf("%d/%s", l.port, l.protocol)
		want[at]++
		if l.key != "admin.listen" && !strings.HasPrefix(l.key, "cluster.") {
			public[at]++
		}
	}
	has := map[string]int{}
	names := map[string]string{}
	for _, p := range c.Ports {
		at := fmt.Sprintf("%d/%s", p.ContainerPort, strings.ToLower(string(p.Protocol)))
		has[at]++
		names[p.Name] = at
	}
	if !maps.Equal(has, want) {
		t.Errorf("%s: ports of the container %v, of the node %v", role, has, want)
	}
	pods, outside := map[string]int{}, map[string]int{}
	for _, s := range r.services {
		if !strings.HasPrefix(s.Name, name) {
			continue
		}
		if !maps.Equal(s.Spec.Selector, selectorOf(template.Labels)) {
			t.Errorf("%s: %s selects %v", role, s.Name, s.Spec.Selector)
		}
		to := outside
		if s.Spec.ClusterIP == corev1.ClusterIPNone {
			to = pods
		} else if s.Spec.Type == corev1.ServiceTypeLoadBalancer && s.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal {
			t.Errorf("%s: %s hides who viewers are", role, s.Name)
		}
		for _, p := range s.Spec.Ports {
			at := names[p.TargetPort.String()]
			if !strings.HasSuffix(at, "/"+strings.ToLower(string(p.Protocol))) {
				t.Errorf("%s: %s: %s goes to %s", role, s.Name, p.Name, at)
			}
			to[at]++
		}
	}
	if !maps.Equal(pods, want) || !maps.Equal(outside, public) {
		t.Errorf("%s: ports of services: %v of pods, %v outside, of the node %v", role, pods, outside, want)
	}
	set := settings(t, env, file)
	drain, err := time.ParseDuration(set["drain.timeout"])
	before := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; err != nil || grace < before+drain+5*time.Second {
		t.Errorf("%s: %v, ended after %v, it waits for %v and drains for %v", role, err, grace, before, drain)
	}
	scheme := corev1.URISchemeHTTP
	if set["admin.tls"] == "true" {
		scheme = corev1.URISchemeHTTPS
	}
	for path, p := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != path || p.HTTPGet.Port.String() != "admin" || p.HTTPGet.Scheme != scheme {
			t.Errorf("%s: probe of %s: %+v", role, path, p)
		}
	}
	if limit := c.Resources.Limits.Memory().Value(); limit < memory(t, set) {
		t.Errorf("%s: the limit is %d MiB, the node may take %d", role, limit>>20, memory(t, set)>>20)
	}
	if s := c.SecurityContext; *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || !*pod.SecurityContext.RunAsNonRoot || *pod.SecurityContext.RunAsUser != 65532 {
		t.Errorf("%s: %+v, %+v", role, s, pod.SecurityContext)
	}
	if *pod.EnableServiceLinks || *pod.AutomountServiceAccountToken {
		t.Errorf("%s has variables of services, or a token of the cluster", role)
	}
	secret := ""
	for _, e := range c.Env {
		if e.Name == "MOQEDGE_ADMIN_TOKEN" {
			secret = e.ValueFrom.SecretKeyRef.Name
		}
	}
	if _, made := r.secrets[secret]; !made && secret != "given-admin" {
		t.Errorf("%s: the token is of %q, which there is not", role, secret)
	}
	checkUpstreams(t, r, set, role)
}

// selectorOf are the labels that select the pods of a role.
func selectorOf(all map[string]string) map[string]string {
	some := map[string]string{}
	for _, l := range []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"} {
		some[l] = all[l]
	}
	return some
}

// checkUpstreams checks that each relay above a role is a pod that there is, by the name
// that its set and its service give it, at the port that it listens on.
func checkUpstreams(t *testing.T, r rendered, set map[string]string, role string) {
	t.Helper()
	above := map[string]string{"shield": "origin", "edge": "shield"}[role]
	if _, there := r.statefulSets["live-moqedge-"+above]; !there && above == "shield" {
		above = "origin"
	}
	s, there := r.statefulSets["live-moqedge-"+above]
	n := 0
	for ; set[fmt.Sprintf("upstreams[%d].url", n)] != ""; n++ {
		host := fmt.Sprintf("%s-%d.%s.media.svc", s.Name, n, s.Spec.ServiceName)
		service := r.services[s.Spec.ServiceName]
		i := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == "moqt" })
		if want := fmt.Sprintf("moqt://%s:%d", host, service.Spec.Ports[i].Port); set[fmt.Sprintf("upstreams[%d].url", n)] != want {
			t.Errorf("%s: upstream %d is %s, not %s", role, n, set[fmt.Sprintf("upstreams[%d].url", n)], want)
		}
	}
	if there && n != int(*s.Spec.Replicas) || !there && n != 0 {
		t.Errorf("%s has %d upstreams", role, n)
	}
}

// What the chart renders for several values is right by the types of Kubernetes and by
// the node's own check, and no port of a node is missing, of UDP in particular.
func TestChart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values string
		roles  []string
		udp    int // ports of UDP of the origin's public services
	}{
		"defaults": {"", []string{"origin", "shield", "edge"}, 3},
		"small":    {"shield: {enabled: false}\norigin: {config: {bridge: {whip: null}}}\n", []string{"origin", "edge"}, 2},
		"alone":    {"shield: {enabled: false}\nedge: {enabled: false}\n", []string{"origin"}, 3},
		"other ports": {`
config: {listen: ":443"}
origin: {config: {http: {listen: ":8081"}, bridge: {srt: {listen: ":10080"}, whip: {ice: ":3478"}}}, service: {ports: {moqt: 8443}}}
edge: {config: {http: {listen: ":443", tls: true}, listen: ":4444"}}
`, []string{"origin", "shield", "edge"}, 3},
		"production": {`
certificate: {existingSecret: relays}
keys: {existingSecret: keys}
admin: {existingSecret: given-admin, tls: true}
serviceMonitor: {enabled: true}
drain: {seconds: 90}
config: {log: {level: warn}, access: {jwt: {keys: /etc/moqedge/keys/keys.json}}}
origin: {replicas: 2, region: eu, persistence: {enabled: true, storageClass: fast}, service: {mixed: false, loadBalancerClass: example.com/udp}}
shield: {region: eu}
edge: {region: eu, hostNetwork: true, autoscaling: {enabled: true, viewers: 1500}}
`, []string{"origin", "shield", "edge"}, 3},
		"cluster": {`
shield: {enabled: false}
config: {cluster: {url: "moqt://origin.example", listen: ":4222", routeListen: ":6222", user: u, password: p}}
edge: {enabled: false}
`, []string{"origin"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := render(c.values)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(r.deployments) + len(r.statefulSets); n != len(c.roles) || len(r.budgets) != n {
				t.Errorf("%d sets of pods, %d budgets, want %q", n, len(r.budgets), c.roles)
			}
			for _, role := range c.roles {
				checkRole(t, r, role)
			}
			udp := 0
			for _, s := range r.services {
				if strings.HasPrefix(s.Name, "live-moqedge-origin-public") {
					for _, p := range s.Spec.Ports {
						if p.Protocol == corev1.ProtocolUDP {
							udp++
						}
					}
				}
			}
			if udp != c.udp {
				t.Errorf("%d ports of UDP at the origin, want %d", udp, c.udp)
			}
		})
	}
}

// The autoscaler counts the metric that the adapter's rule makes, and the number of edges
// is left to it; Prometheus asks with the token.
func TestChartScales(t *testing.T) {
	r, err := render("edge: {autoscaling: {enabled: true, viewers: 1500}}\nserviceMonitor: {enabled: true}\n")
	if err != nil {
		t.Fatal(err)
	}
	s := r.scalers["live-moqedge-edge"].Spec
	if len(s.Metrics) != 2 || s.Metrics[0].Pods.Metric.Name != "moqedge_viewers" || s.Metrics[0].Pods.Target.AverageValue.Value() != 1500 ||
		s.ScaleTargetRef.Name != "live-moqedge-edge" || r.deployments["live-moqedge-edge"].Spec.Replicas != nil {
		t.Errorf("%+v", s)
	}
	monitor := fmt.Sprint(r.others["ServiceMonitor"])
	for _, want := range []string{"type:Bearer", "name:live-moqedge-admin", "key:token", "port:admin", "replacement:moqedge"} {
		if !strings.Contains(monitor, want) {
			t.Errorf("the monitor lacks %s: %s", want, monitor)
		}
	}
	if token := r.secrets["live-moqedge-admin"].Data["token"]; len(token) < 16 {
		t.Errorf("the token has %d characters", len(token))
	}
}

// Values that can not work are refused, with words that say what to do.
func TestChartRefuses(t *testing.T) {
	for values, want := range map[string]string{
		"edges: {}\n":                                          "edges",
		"edge: {service: {type: External}}\n":                  "service",
		"origin: {config: {bridge: {whip: true}}}\n":           "bridge.whip.ice",
		"config: {drain: {timeout: 1m}}\n":                     "drain.seconds",
		"edge: {config: {admin: {token: 0123456789abcdef}}}\n": "admin.existingSecret",
		"config: {listen: \":0\"}\n":                           "has no port",
		"shield: {config: {http: null}}\n":                     "certificate.existingSecret",
		"drain: {seconds: ten}\n":                              "seconds",
	} {
		if _, err := render(values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not name %q", strings.TrimSpace(values), err, want)
		}
	}
	r, err := render("config: {listne: \":1\"}\n") // known by the node alone
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(file, []byte(r.configs["live-moqedge-edge"].Data["node.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, code := moqedge(t, environ("MOQEDGE_ADMIN_TOKEN="+adminToken), "check", file); code != 1 || !strings.Contains(said, "listne") {
		t.Errorf("an unknown key: code %d: %s", code, said)
	}
}
