import Operations
import Secrets
import WebClient

extension Assembly {
    /// Registers a role with Consul; nil if no agent is set. The ingress is registered with the address of its API, every other role with that of its health and metrics.
    func consulRegistration(
        of role: String, readiness: @escaping @Sendable () async -> ReadinessReport, adminPort: @escaping @Sendable () -> Int?
    ) -> ConsulRegistration? {
        guard let agent = settings.consul.address else { return nil }
        let api = role == Self.ingress && settings.httpAddress.port > 0 ? settings.httpAddress : nil
        let adminHost = settings.adminAddress.host
        return ConsulRegistration(
            address: agent, token: settings.consul.token?.exposed, transport: WebClient(logger: logger("consul")),
            identity: .init(role: role, process: name, version: Version.current),
            serving: { api ?? adminPort().map { ListenAddress(host: adminHost, port: $0) } }, readiness: readiness, clock: clock, logger: logger("consul"))
    }
}
