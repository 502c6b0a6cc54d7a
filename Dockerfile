# The gateway as an image: Node, the compiled gateway and what it needs at run time. No shell, no npm, no package manager; a user
# without rights; nothing is written but below /data, so the root file system may be read-only.
#
#   docker build --tag registry.example.com/llm-stream-gateway:0.1.0 .
#   docker run --read-only --cap-drop ALL --publish 3000:3000 --env-file .env registry.example.com/llm-stream-gateway:0.1.0
#
# The base is pinned by its exact version. To pin its content as well, give its digest, which `docker buildx imagetools inspect
# node:24.21.0-bookworm-slim` tells: --build-arg NODE=24.21.0-bookworm-slim@sha256:…
#
# `deploy/container/replay` builds it in a chroot and runs it under a real runtime, where there is no Docker.
ARG NODE=24.21.0-bookworm-slim

# ---- the gateway, compiled
FROM node:${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/node/package.json tools/node/
# Node itself is here already: the workspace that brings it is optional.
RUN npm ci --omit=optional --ignore-scripts
COPY . .
RUN npm run build

# ---- what it needs at run time: its dependencies, and the peers that are optional for others (SDKs, PGlite), as locked.
# Types, maps and readmes are for developers. Licences stay.
FROM build AS production
RUN node deploy/container/peers-as-dependencies.mjs \
 && npm prune --omit=dev --omit=optional --ignore-scripts \
 && rm -rf node_modules/@llm-stream-gateway node_modules/.package-lock.json \
 && find node_modules dist -type f '(' -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -iname 'README*.md' -o -iname 'CHANGELOG*' ')' -delete

# ---- compile cache, and all of the above in its place
FROM node:${NODE} AS app
WORKDIR /app
COPY --from=production /app/node_modules node_modules
COPY --from=production /app/dist dist
COPY package.json LICENSE ./
COPY deploy/container/fill-compile-cache.mjs /build/
# Node keeps a cache for each user by its number: filled by the one that will run.
RUN mkdir /app/.compile-cache && chown 65532:65532 /app/.compile-cache
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache
USER 65532:65532
RUN node /build/fill-compile-cache.mjs /app/dist/server.js

# ---- Node and the libraries that it is linked to, by themselves
FROM node:${NODE} AS system
RUN set -eu; \
    for file in /usr/local/bin/node $(ldd /usr/local/bin/node | grep -o '/[^ ]*'); do install -D "$file" "/system$file"; done; \
    mkdir -p /system/etc /system/var/lib/dpkg/status.d /system/usr/share/doc; \
    install -d -m 1777 /system/tmp; \
    install -d -o 65532 -g 65532 -m 700 /system/data; \
    echo 'gateway:x:65532:65532::/data:/nonexistent' > /system/etc/passwd; \
    echo 'gateway:x:65532:' > /system/etc/group; \
    echo 'hosts: files dns' > /system/etc/nsswitch.conf; \
    cp /etc/os-release /system/etc/; \
    # For scanners of vulnerabilities, which look there, and for the licences.
    for package in base-files libc6 libgcc-s1 libstdc++6; do \
      dpkg-query --status "$package" > "/system/var/lib/dpkg/status.d/$package"; \
      cp -rL "/usr/share/doc/$package" /system/usr/share/doc/; \
    done

# ---- the image
FROM scratch
LABEL org.opencontainers.image.title="llm-stream-gateway" \
      org.opencontainers.image.description="An LLM streaming gateway with failover and circuit breakers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/node:24.21.0-bookworm-slim"
COPY --from=system /system /
COPY --from=app /app /app
WORKDIR /app
ENV PATH=/usr/local/bin NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache DATA_DIR=/data/pglite
VOLUME ["/data"]
EXPOSE 3000
USER 65532:65532
# Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/usr/local/bin/node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The gateway takes signals itself, also as process 1: it drains.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/node"]
CMD ["dist/server.js"]
