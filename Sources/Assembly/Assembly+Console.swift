import Console
import IOThreads
import Ingress
import Messaging
import Operations
import ServiceLifecycle
import WebClient

extension Assembly {
    /// The broker user of the web console, and its override in the settings.
    package static let console = "console"
    /// The maximum time that a page waits for the management API.
    private static let longestManagementAnswer: Duration = .seconds(4)

    /// Everything that a console process runs.
    package func console(onReady: @escaping @Sendable (Int) -> Void) throws -> [any Service] {
        let thread = try IOThread(named: "wharf-console")
        let (client, parts, keys) = try sealingClient(Self.console, sealing: ConsoleOperation.sensitive, on: thread)
        let address = settings.consoleAddress
        let listening = SharedPort()
        let server = ConsoleServer(
            host: address.host, port: address.port, trustedProxies: settings.trustedProxies, requests: client, broker: try brokerView(),
            serviceNames: ServiceName.allCases.map(\.rawValue), clock: clock, randomness: randomness, logger: logger("console"),
            onReady: { port in
                listening.set(port)
                onReady(port)
            })
        return parts.map { ThreadBound(service: $0, thread: thread) } + [keys, Listener(server, at: address, "WHARF_CONSOLE_ADDRESS", listening)]
    }

    private func brokerView() throws -> BrokerView? {
        guard let url = settings.managementURL else { return nil }
        let nodes = try ManagementNodes(settings.managementURL ?? url, transport: WebClient(logger: logger("management")))
        return BrokerView { path in try await nodes.read(path, timeout: Self.longestManagementAnswer) }
    }
}
