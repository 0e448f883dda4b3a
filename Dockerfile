# The relay as an image: docs/guide/deployment.md says how to run it.

# Alpine's image of Node is the one official image that leaves the result under 200 MB.
FROM node:24-alpine AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsdown.config.ts ./
COPY src src
COPY adapters adapters
RUN npm run build
# The package leaves drivers of databases to its users, so they are development packages here. The image has them, in the
# versions of the lock file, because nobody can install one beside it.
RUN for driver in ioredis pg; do \
      npm pkg set --json "dependencies.$driver=$(npm pkg get "devDependencies.$driver")" && \
      npm pkg delete "devDependencies.$driver" || exit 1; \
    done
RUN npm prune --omit=dev --ignore-scripts

FROM node:24-alpine
# In a container, the loopback address would accept no calls from outside.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8787
WORKDIR /app
COPY LICENSE ./
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# A number, because Kubernetes cannot see that a name is not root. In this image, it is the user `node`.
USER 1000:1000
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/src/cli.js"]
