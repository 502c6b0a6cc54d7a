import type { RouteDescription } from './description.ts'

/** `GET /metrics` */
export const metrics: RouteDescription = {
  answers: {
    'text/plain': {
      schema: { type: 'string', description: 'Prometheus\' text format, version 0.0.4.', externalDocs: { url: 'https://prometheus.io/docs/instrumenting/exposition_formats/' } },
      examples: {
        attempts: {
          summary: 'One of the metrics',
          value: '# HELP llm_gateway_attempts_total Attempts at targets that have ended.\n# TYPE llm_gateway_attempts_total counter\nllm_gateway_attempts_total{target="openai",provider="openai",class="success",reason="none"} 42\n'
        }
      }
    }
  }
}
