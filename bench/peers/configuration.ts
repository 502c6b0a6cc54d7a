import type { Place } from '../target.ts'

/** The configuration files of peers that are not started by arguments alone. */

/** One worker, connections to the upstream kept, nothing buffered. */
export function nginxConfig ({ port, upstream, folder }: Place): string {
  return `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 120s; tcp_nodelay on;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream llm { server ${new URL(upstream).host}; keepalive 4096; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://llm; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 120s; }
  }
}
`
}

/** One thread, connections to the upstream kept. */
export function haproxyConfig ({ port, upstream }: Place): string {
  return `global
  maxconn 9000
  nbthread 1
defaults
  mode http
  option http-keep-alive
  option http-no-delay
  http-reuse always
  timeout connect 5s
  timeout client 120s
  timeout server 120s
frontend f
  bind 127.0.0.1:${port} backlog 4096
  default_backend b
backend b
  server s ${new URL(upstream).host} pool-max-conn 4096
`
}

/** Every model goes to the fake upstream as an OpenAI model. */
export function litellmConfig ({ upstream }: Place): string {
  return `model_list:
  - model_name: "*"
    litellm_params:
      model: openai/*
      api_base: ${upstream}/v1
      api_key: none
litellm_settings:
  telemetry: false
  num_retries: 0
  drop_params: false
general_settings:
  disable_spend_logs: true
`
}
