# Quorum in a container: no root, no shell needed, and nothing written but /runs and /tmp. docs/deploying.md says how to run it.
FROM node:22-bookworm-slim AS build
WORKDIR /quorum
# ONNX Runtime's installer would fetch CUDA libraries from elsewhere; the packages hold all that runs on a CPU.
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:22-bookworm-slim AS packages
WORKDIR /quorum
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
# The engine `tensorflow` takes a library that its installer downloads; ONNX Runtime brings its libraries for every platform.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && npm uninstall --no-save --omit=dev --ignore-scripts --no-audit --no-fund @tensorflow/tfjs-node-gpu \
 && rm -rf node_modules/onnxruntime-node/bin/napi-v6/darwin node_modules/onnxruntime-node/bin/napi-v6/win32

FROM node:22-bookworm-slim
WORKDIR /quorum
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY bin bin
COPY models models
COPY --from=packages /quorum/node_modules node_modules
COPY --from=build /quorum/dist dist
RUN ln -s /quorum/bin/quorum.js /usr/local/bin/quorum && install -d -o node -g node -m 700 /runs
USER node
WORKDIR /runs
VOLUME /runs
EXPOSE 4747
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=5m --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4747/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["quorum"]
CMD ["start", "--run", "/runs/default", "--set", "dashboard.host=0.0.0.0"]
