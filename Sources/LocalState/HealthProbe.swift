import WebClient

/// Asks the processes of a shop for their health.
package struct HealthProbe: Sendable {
    /// Longer than a role takes to check its dependencies.
    private static let timeout = Duration.seconds(5)
    /// Of one answer that is shown.
    private static let maximumDetail = 600

    package let transport: any HTTPTransport
    /// Ports that serve customers, not operators.
    package let publicPorts: Set<Int>

    package init(transport: any HTTPTransport, publicPorts: Set<Int>) {
        self.transport = transport
        self.publicPorts = publicPorts
    }

    package func health(of process: RunRecord.Process) async -> StatusReport.Health {
        let view = ProcessView(pid: process.pid)
        switch view.state {
        case .ended: return .init(.ended)
        case .stopped: return .init(.stopped, "a signal has stopped it")
        case .running: break
        }
        guard process.isRole else { return .init(.running) }
        return await health(of: view)
    }

    /// Of a process of Wharf's own.
    package func health(ofRole pid: Int32) async -> StatusReport.Health {
        await health(of: ProcessView(pid: pid))
    }

    private func health(of view: ProcessView) async -> StatusReport.Health {
        let ports = view.listeningPorts.subtracting(publicPorts).sorted()
        guard let port = ports.first else { return .init(.unknown, "its admin port cannot be seen") }
        return await health(at: port)
    }

    /// Whether the role of this process can do its work.
    package func isReady(_ pid: Int32) async -> Bool {
        guard let port = ProcessView(pid: pid).listeningPorts.subtracting(publicPorts).min() else { return false }
        return await health(at: port).state == .ready
    }

    private func health(at port: Int) async -> StatusReport.Health {
        do {
            let response = try await transport.send(WebRequest(url: "http://127.0.0.1:\(port)/readyz", timeout: Self.timeout))
            let lines = String(decoding: response.body.prefix(Self.maximumDetail), as: UTF8.self).split(separator: "\n")
            guard response.isSuccess else { return .init(.notReady, lines.joined(separator: "; "), port: port) }
            // After the first line, "ready", what is amiss and keeps it from no work.
            let remarks = lines.dropFirst()
            return .init(.ready, remarks.isEmpty ? nil : remarks.joined(separator: "; "), port: port)
        } catch {
            return .init(.silent, "no answer at port \(port)", port: port)
        }
    }
}

extension RunRecord.Process {
    private static let servers: Set<String> = ["rabbitmq", "postgresql", "redis"]

    /// Whether it is one of Wharf's own, which has an admin port.
    var isRole: Bool { !Self.servers.contains(role) }
}
