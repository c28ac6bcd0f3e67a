import Assembly
import FoundationEssentials
import LocalState
import Logging
import Messaging
import Operations
import Payments
import Secrets
import Topology
import WebClient

/// What an audit reads.
package struct AuditTarget: Sendable {
    /// URLs of the auditor's role, by service.
    let databases: [ServiceName: String]
    /// Which of their hosts may be connected to without TLS.
    let allowsPlainText: @Sendable (String) -> Bool
    let definitions: Definitions
    /// Nil when no ledger can be read: then only the payment service's own records are checked.
    let ledger: (any GatewayLedger)?
    /// Whether the ledger includes PayPal's payments.
    let showsPayPal: Bool
    /// Reads PayPal's payments one by one; nil when they are in the ledger, or when PayPal cannot be asked.
    let payPal: PayPalLedger?
    /// Whether there may be PayPal payments.
    let hasPayPal: Bool
    /// Nil when the broker cannot be asked.
    let queues: QueueList?

    /// - Parameter sandbox: URL of the sandbox that takes the gateway's place.
    package init(_ settings: Settings, definitions: Definitions, sandbox: String?, transport: any HTTPTransport) {
        let auditor = settings.postgresURL(for: AuditRole.name)
        databases = Dictionary(
            uniqueKeysWithValues: ServiceName.allCases.map { service in
                (service, ServerURLs.url(settings.postgresURL(for: service.rawValue), asUserOf: auditor))
            })
        allowsPlainText = { settings.allowsPlainText(to: $0) }
        self.definitions = definitions
        hasPayPal = settings.payPal.clientID != nil
        showsPayPal = hasPayPal && sandbox != nil && settings.payPal.apiBase.withoutTrailingSlash == sandbox?.withoutTrailingSlash
        if !showsPayPal, let id = settings.payPal.clientID, let secret = settings.payPal.clientSecret {
            payPal = PayPalLedger(
                gateway: PayPalGateway(transport: transport, clientID: id, clientSecret: secret.exposed, base: settings.payPal.apiBase, clock: settings.clock))
        } else {
            payPal = nil
        }
        if let sandbox {
            // A live key is for Stripe alone.
            let key = settings.stripe.apiKey.flatMap { Settings.Stripe.isLive($0) ? nil : $0 }
            ledger = SandboxLedger(url: sandbox, key: key?.exposed, hasPayPal: showsPayPal, transport: transport)
        } else {
            ledger = settings.stripe.apiKey.map { StripeLedger(transport: transport, key: $0.exposed, base: settings.stripe.apiBase) }
        }
        queues = settings.managementURL.map { QueueList(transport: transport, managementURL: $0) }
    }

    /// What was not checked.
    var notes: [String] {
        var notes: [String] = []
        if ledger == nil, payPal == nil { notes.append("The gateway's ledger was not read: neither --ledger nor STRIPE_API_KEY says where it is.") }
        if hasPayPal, !showsPayPal, payPal == nil {
            notes.append("PayPal was not read, because PAYPAL_CLIENT_SECRET is not set: PayPal payments are compared only with the payment service's own records.")
        }
        if queues == nil { notes.append("The broker was not asked what waits in it (WHARF_RABBITMQ_MANAGEMENT_URL); only --grace decides what is in flight.") }
        return notes
    }

    func backlog() async throws -> BrokerBacklog {
        guard let queues else { return BrokerBacklog() }
        do {
            // A queue whose size the broker does not report may hold something.
            return BrokerBacklog(messages: Dictionary(try await queues.read().map { ($0.name, $0.messages ?? 1) }, uniquingKeysWith: +))
        } catch {
            throw AuditError.unreadable("RabbitMQ's management API: \(error)")
        }
    }
}
