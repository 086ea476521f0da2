{{- define "moqedge.name" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{/* The Secret with the token of the admin address. */}}
{{- define "moqedge.adminSecret" -}}
{{- .Values.admin.existingSecret | default (printf "%s-admin" (include "moqedge.name" .)) -}}
{{- end -}}

{{/* What selects the pods of a role: (dict "root" $ "role" "edge"). */}}
{{- define "moqedge.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "moqedge.labels" -}}
{{ include "moqedge.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* The roles that there are, from the root of the tree. */}}
{{- define "moqedge.roles" -}}
{{- range list "origin" "shield" "edge" }}{{ if (index $.Values .).enabled }}{{ . }} {{ end }}{{ end -}}
{{- end -}}

{{/* The number of a listen address, "" for none. */}}
{{- define "moqedge.port" -}}
{{- if . -}}
{{- $port := regexFind "[0-9]+$" . -}}
{{- if or (eq $port "") (eq (int $port) 0) -}}{{- fail (printf "%q has no port that a service can have" .) -}}{{- end -}}
{{- $port -}}
{{- end -}}
{{- end -}}

{{/*
The relays above a role, as a list in YAML: all pods of the next role that there is, by
names that stay.
*/}}
{{- define "moqedge.upstreams" -}}
{{- $root := .root -}}
{{- $above := "" -}}
{{- if eq .role "edge" -}}{{- $above = ternary "shield" (ternary "origin" "" $root.Values.origin.enabled) $root.Values.shield.enabled -}}{{- end -}}
{{- if eq .role "shield" -}}{{- $above = ternary "origin" "" $root.Values.origin.enabled -}}{{- end -}}
{{- if $above -}}
{{- $set := printf "%s-%s" (include "moqedge.name" $root) $above -}}
{{- $config := include "moqedge.own" (dict "root" $root "role" $above) | fromYaml -}}
{{- range $i := until (int (index $root.Values $above).replicas) }}
{{- $host := printf "%s-%d.%s.%s.svc" $set $i $set $root.Release.Namespace }}
- name: {{ $set }}-{{ $i }}
  url: moqt://{{ $host }}:{{ include "moqedge.port" $config.listen }}
  {{- if $root.Values.certificate.existingSecret }}
  ca: /etc/moqedge/tls/ca.crt
  {{- else }}
  fingerprintURL: http://{{ $host }}:{{ include "moqedge.port" $config.http.listen }}/certificate.sha256
  {{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* The configuration of a role but for its upstreams. */}}
{{- define "moqedge.own" -}}
{{- $root := .root -}}
{{- $values := index $root.Values .role -}}
{{- $base := dict "listen" ":4443" "admin" (dict "listen" ":9090") "drain" (dict "timeout" (printf "%ds" (int $root.Values.drain.seconds))) -}}
{{- if $root.Values.admin.tls -}}{{- $_ := set $base.admin "tls" true -}}{{- end -}}
{{- with $values.region -}}{{- $_ := set $base "region" . -}}{{- end -}}
{{- if $root.Values.certificate.existingSecret -}}
{{- $_ := set $base "certificate" (dict "cert" "/etc/moqedge/tls/tls.crt" "key" "/etc/moqedge/tls/tls.key") -}}
{{- else -}}
{{- $set := printf "%s-%s" (include "moqedge.name" $root) .role -}}
{{- $_ := set $base "certificate" (dict "development" true "dir" "/var/lib/moqedge" "hosts" (list $set (printf "%s.%s.svc" $set $root.Release.Namespace))) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $base (deepCopy $root.Values.config) (deepCopy $values.config)) -}}
{{- end -}}

{{/* The configuration of a role: what goes into its file. */}}
{{- define "moqedge.config" -}}
{{- $config := include "moqedge.own" . | fromYaml -}}
{{- if and (not (hasKey $config "upstreams")) (not (hasKey $config "upstream")) -}}
{{- $upstreams := include "moqedge.upstreams" . | fromYamlArray -}}
{{- if $upstreams -}}{{- $_ := set $config "upstreams" $upstreams -}}{{- end -}}
{{- end -}}
{{- if ne $config.drain.timeout (printf "%ds" (int .root.Values.drain.seconds)) -}}
{{- fail (printf "%s.config.drain.timeout: pods are given the time that drain.seconds says: set that" .role) -}}
{{- end -}}
{{- if $config.admin.token -}}
{{- fail (printf "%s.config.admin.token: a ConfigMap is no place for it: see admin.existingSecret" .role) -}}
{{- end -}}
{{- if and (ne .role "edge") (not .root.Values.certificate.existingSecret) (not $config.http) -}}
{{- fail (printf "%s.config.http: without a certificate relays below read fingerprints there: set http.listen, or certificate.existingSecret" .role) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/*
The ports of a role, as a list in YAML: all that its configuration listens on, and of
those what is for others than operators.
*/}}
{{- define "moqedge.ports" -}}
{{- $config := include "moqedge.config" . | fromYaml -}}
- {name: moqt, protocol: UDP, port: {{ include "moqedge.port" $config.listen }}, public: true}
{{- with $config.http }}
- {name: http, protocol: TCP, port: {{ include "moqedge.port" .listen }}, public: true}
{{- end }}
{{- with $config.bridge }}
{{- if hasKey . "srt" }}
- {name: srt, protocol: UDP, port: {{ include "moqedge.port" ((.srt).listen | default ":9000") }}, public: true}
{{- end }}
{{- if .whip }}
{{- if or (not (kindIs "map" .whip)) (not .whip.ice) }}
{{- fail "config.bridge.whip.ice: without it each publisher has a UDP port of its own, which no service can have: set it, as to :8189" }}
{{- end }}
- {name: whip-ice, protocol: UDP, port: {{ include "moqedge.port" .whip.ice }}, public: true}
{{- end }}
{{- end }}
- {name: admin, protocol: TCP, port: {{ include "moqedge.port" $config.admin.listen }}, public: false}
{{- with $config.cluster }}
{{- with .listen }}
- {name: nats, protocol: TCP, port: {{ include "moqedge.port" . }}, public: false}
{{- end }}
{{- with .routeListen }}
- {name: nats-routes, protocol: TCP, port: {{ include "moqedge.port" . }}, public: false}
{{- end }}
{{- end }}
{{- with (($config.certificate).acme).listen }}
- {name: acme, protocol: TCP, port: {{ include "moqedge.port" . }}, public: true}
{{- end }}
{{- end -}}

{{/* The pods of a role. */}}
{{- define "moqedge.pod" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $values := index $root.Values $role -}}
{{- $scheme := ternary "HTTPS" "HTTP" (default false (include "moqedge.config" . | fromYaml).admin.tls) -}}
metadata:
  labels:
    {{- include "moqedge.labels" . | nindent 4 }}
    {{- with $values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # A change that a node can take while it runs needs no new pods, but others do, and
    # none of them loses viewers.
    moqedge/config: {{ include "moqedge.config" . | sha256sum }}
    {{- with $values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  # Services whose names begin with "moqedge" would be variables that no node knows.
  enableServiceLinks: false
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ add $root.Values.drain.beforeSeconds $root.Values.drain.seconds 10 }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $values.hostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  {{- with $values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "moqedge.selector" . | nindent 10 }}
  containers:
    - name: moqedge
      image: {{ printf "%s:%s" $root.Values.image.repository ($root.Values.image.tag | default $root.Chart.AppVersion) | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [serve]
      env:
        - name: MOQEDGE_CONFIG
          value: /etc/moqedge/node/node.yaml
        - name: MOQEDGE_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        # The identity in the hop lists of other relays; no two of a tree have the same.
        - name: MOQEDGE_ID
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: MOQEDGE_ADMIN_TOKEN
          valueFrom: {secretKeyRef: {name: {{ include "moqedge.adminSecret" $root }}, key: token}}
        {{- with $values.env }}{{ toYaml . | nindent 8 }}{{ end }}
      ports:
        {{- range include "moqedge.ports" . | fromYamlArray }}
        - name: {{ .name }}
          containerPort: {{ .port }}
          protocol: {{ .protocol }}
        {{- end }}
      startupProbe:
        httpGet: {path: /healthz, port: admin, scheme: {{ $scheme }}}
        periodSeconds: 2
        failureThreshold: {{ div (add $root.Values.probes.startSeconds 1) 2 }}
      # Not more than that it answers: an edge that has lost the relay above it finds it again
      # by itself, and has what it keeps meanwhile.
      livenessProbe:
        httpGet: {path: /healthz, port: admin, scheme: {{ $scheme }}}
        periodSeconds: {{ $root.Values.probes.periodSeconds }}
        failureThreshold: {{ $root.Values.probes.failureThreshold }}
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /readyz, port: admin, scheme: {{ $scheme }}}
        periodSeconds: {{ $root.Values.probes.periodSeconds }}
        failureThreshold: 1
        timeoutSeconds: 5
      lifecycle:
        preStop:
          sleep: {seconds: {{ $root.Values.drain.beforeSeconds }}}
      resources: {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: node, mountPath: /etc/moqedge/node, readOnly: true}
        - {name: state, mountPath: /var/lib/moqedge}
        {{- if $root.Values.certificate.existingSecret }}
        - {name: tls, mountPath: /etc/moqedge/tls, readOnly: true}
        {{- end }}
        {{- if $root.Values.keys.existingSecret }}
        - {name: keys, mountPath: /etc/moqedge/keys, readOnly: true}
        {{- end }}
  volumes:
    - name: node
      configMap: {name: {{ include "moqedge.name" $root }}-{{ $role }}}
    {{- if not (($values.persistence).enabled) }}
    - name: state
      emptyDir: {sizeLimit: 1Gi}
    {{- end }}
    {{- with $root.Values.certificate.existingSecret }}
    - name: tls
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
    {{- with $root.Values.keys.existingSecret }}
    - name: keys
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
{{- end -}}
