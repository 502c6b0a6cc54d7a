{{- define "gateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gateway.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gateway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "gateway.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ printf "%s@%s" .repository .digest }}{{- else -}}{{ printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "gateway.serviceAccount" -}}
{{- with .Values.serviceAccount -}}
{{- if .create -}}{{ default (include "gateway.fullname" $) .name }}{{- else -}}{{ default "default" .name }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Pods may do nothing but what a process without privileges may: the "restricted" Pod Security Standard. */}}
{{- define "gateway.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "gateway.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Milliseconds of a variable, or its default, in whole seconds. Numbers of a values file are floats, which would be written as 3e+05. */}}
{{- define "gateway.seconds" -}}
{{- divf (float64 (default .default (index .root.Values.variables .name))) 1000 | ceil | int64 -}}
{{- end -}}

{{/* How long streams may take to end, in seconds; the defaults are those of schemas/environment.ts. */}}
{{- define "gateway.graceSeconds" -}}
{{- include "gateway.seconds" (dict "root" . "name" "SHUTDOWN_GRACE_MS" "default" 120000) -}}
{{- end -}}

{{- define "gateway.terminationSeconds" -}}
{{- with .Values.termination -}}
{{- add (int64 .preStopSeconds) (int64 (include "gateway.graceSeconds" $)) (int64 .marginSeconds) -}}
{{- end -}}
{{- end -}}

{{/* How long a proxy waits for the next byte, in seconds: a request may say nothing until its deadline, and is answered then. */}}
{{- define "gateway.proxySeconds" -}}
{{- add 30 (int64 (include "gateway.seconds" (dict "root" . "name" "REQUEST_TIMEOUT_MS" "default" 600000))) -}}
{{- end -}}

{{/* An ALB keeps idle connections for as long as it waits for bytes, 4,000 s at the most. */}}
{{- define "gateway.albSeconds" -}}
{{- min 4000 (int64 (include "gateway.proxySeconds" .)) -}}
{{- end -}}

{{/* What values together cannot be; each by itself is held against values.schema.json. */}}
{{- define "gateway.check" -}}
{{- $shared := .Values.database.secret.name -}}
{{- if and .Values.autoscaling.enabled (not $shared) -}}
{{- fail "autoscaling.enabled needs database.secret: several pods share breakers, audit log and streams through PostgreSQL; PGlite belongs to one process" -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (not $shared) -}}
{{- fail "replicas above 1 need database.secret: several pods share breakers, audit log and streams through PostgreSQL; PGlite belongs to one process" -}}
{{- end -}}
{{- if and (not $shared) (eq .Values.database.pglite.storage "claim") (not .Values.database.pglite.claim) -}}
{{- fail "database.pglite.storage \"claim\" needs the name of a PersistentVolumeClaim in database.pglite.claim" -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled $shared (not .Values.networkPolicy.egress.database.to) -}}
{{- fail "networkPolicy.egress.database.to must say where PostgreSQL is, for example [{ipBlock: {cidr: 10.0.12.0/24}}]" -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" -}}{{- end -}}
{{- end -}}
{{- with .Values.serviceAccount -}}
{{- if and (ne .identity.kind "none") (not .identity.id) -}}{{- fail "serviceAccount.identity.id must name the identity: the ARN of a role, or the client id of a managed identity" -}}{{- end -}}
{{- if and (ne .identity.kind "none") (not .create) -}}{{- fail "serviceAccount.identity needs serviceAccount.create: annotate your own account yourself" -}}{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}{{- fail "ingress.hosts must name a host" -}}{{- end -}}
{{- if and .Values.gatewayRoute.enabled (not .Values.gatewayRoute.parentRefs) -}}{{- fail "gatewayRoute.parentRefs must name the Gateway" -}}{{- end -}}
{{- range $name, $_ := .Values.secretVariables -}}
{{- if hasKey $.Values.variables $name -}}{{- fail (printf "%s stands in variables and in secretVariables" $name) -}}{{- end -}}
{{- end -}}
{{- end -}}
