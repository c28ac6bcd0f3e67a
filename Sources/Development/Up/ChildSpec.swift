import Assembly
import LocalState

/// One process of this executable that `wharf-dev up` runs.
package struct ChildSpec: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case ingress
        case console
        case worker(ServiceName)
        /// - Parameters:
        ///   - webhookURL: The URL to which the gateways' names are appended.
        ///   - webhookEventsOf: The path of an openapi.yaml; of Stripe's events, only those that it lists are sent.
        case sandbox(port: Int, webhookURL: String, webhookEventsOf: String? = nil, journal: String)
    }

    package static let ingress = "ingress"
    package static let console = "console"
    package static let sandbox = "sandbox"

    package let kind: Kind
    /// From 1 on, among those of one kind.
    package let number: Int

    /// `ingress`, `console`, `sandbox`, or the service that it works for.
    package var role: String {
        switch kind {
        case .ingress: Self.ingress
        case .console: Self.console
        case .worker(let service): service.rawValue
        case .sandbox: Self.sandbox
        }
    }

    /// Unique in a process group, and the name of its log: `orders-2`.
    package var name: String { "\(role)-\(number)" }

    package var arguments: [String] {
        switch kind {
        case .ingress: ["ingress"]
        case .console: ["console"]
        case .worker(let service): ["worker", service.rawValue]
        case .sandbox(let port, let webhookURL, let webhookEventsOf, let journal):
            ["sandbox", "--port", "\(port)", "--webhook-url", "\(webhookURL)stripe", "--paypal-webhook-url", "\(webhookURL)paypal", "--journal", journal]
                + (webhookEventsOf.map { ["--webhook-events-of", $0] } ?? [])
        }
    }

    /// One ingress, the workers, and the web console and the sandbox if they have a port.
    /// - Parameter webhookEventsOf: The path of an openapi.yaml; of Stripe's events, the sandbox sends only those that it lists.
    package static func everyone(workersPerService count: Int, ports: UpPorts, folder: StateFolder, webhookEventsOf: String? = nil) -> [ChildSpec] {
        var members = [ChildSpec(kind: .ingress, number: 1)] + workers(perService: count)
        if ports.console != nil { members.append(ChildSpec(kind: .console, number: 1)) }
        if let port = ports.sandbox {
            let webhooks = "\(ports.http.url)/v1/webhooks/"
            members.append(ChildSpec(kind: .sandbox(port: port, webhookURL: webhooks, webhookEventsOf: webhookEventsOf, journal: folder.ledger), number: 1))
        }
        return members
    }

    /// Every worker of every service.
    package static func workers(perService count: Int) -> [ChildSpec] {
        ServiceName.allCases.flatMap { service in (1...count).map { ChildSpec(kind: .worker(service), number: $0) } }
    }
}
