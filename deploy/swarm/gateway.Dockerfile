# The gateway for a swarm, whose nodes have no copy of the repository: docker build --tag wharf-gateway --file deploy/swarm/gateway.Dockerfile .
FROM nginx:stable
COPY gateway /etc/gateway
USER 101
STOPSIGNAL SIGQUIT
ENTRYPOINT ["sh", "/etc/gateway/run"]
