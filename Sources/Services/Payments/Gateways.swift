import Contracts

/// The gateways that this process can call, by name.
struct Gateways: Sendable {
    private let byName: [GatewayName: any PaymentGateway]

    init(_ gateways: [any PaymentGateway]) {
        byName = Dictionary(gateways.map { ($0.name, $0) }) { first, _ in first }
    }

    var all: [any PaymentGateway] { byName.values.sorted { $0.name.rawValue < $1.name.rawValue } }

    /// - Throws: ``GatewayError/notSent(_:)`` for a gateway without settings here: another process may have them.
    subscript(name: GatewayName) -> any PaymentGateway {
        get throws(GatewayError) {
            guard let gateway = byName[name] else { throw .notSent("the gateway \(name.rawValue) is not set up") }
            return gateway
        }
    }
}
