import AMQP
import Messaging

/// One process's connection to the model broker. Between it and the broker lies a network with latency and outages.
struct ModelPublisher: MessagePublisher {
    static let latency = 0...3

    let broker: ModelBroker
    /// Without, a publication counts as confirmed once it is written.
    let confirms: Bool
    let process: SimulatedProcess
    let faults: Faults
    /// Changes each publication before it is sent.
    var rewrite: @Sendable (Publication) -> Publication = { $0 }

    var isBlocked: Bool { false }
    var isConnected: Bool { broker.outage == .zero }

    func publish(_ publications: [Publication], deadline: Duration) async -> [PublishOutcome] {
        guard !publications.isEmpty else { return [] }
        let publications = publications.map(rewrite)
        await process.pass(confirms ? .publish : .reply)
        await travel(faults.chance.duration(milliseconds: Self.latency))
        let outage = broker.outage
        if outage > .zero {
            await travel(min(outage, deadline))
            if outage >= deadline { return all(publications, .notConnected, "there was no connection to the broker until the deadline") }
        }
        if faults.strikes(.publicationLost) {
            // Some may have arrived, in the order in which they were written.
            let arrived = publications.prefix(faults.chance.below(publications.count + 1))
            for publication in arrived { send(publication) }
            return all(publications, .connectionLost, "the connection to the broker was lost")
        }
        let outcomes = publications.map { publication in
            if confirms, faults.strikes(.queueFull) { return PublishOutcome.refused }
            if confirms, publication.mandatory, faults.strikes(.unroutable) { return .returned(code: 312, reason: "NO_ROUTE") }
            return send(publication)
        }
        await travel(faults.chance.duration(milliseconds: Self.latency))
        if confirms { await process.pass(.published) }
        return confirms ? outcomes : outcomes.map { _ in .confirmed }
    }

    @discardableResult
    private func send(_ publication: Publication) -> PublishOutcome {
        let outcome = broker.accept(publication)
        let id = publication.properties.messageID?.prefix(8) ?? "-"
        faults.trace.note("\(process.name) → \(publication.exchange) \(publication.routingKey) \(id) \(outcome.word)")
        return outcome
    }

    private func travel(_ time: Duration) async {
        try? await broker.clock.sleep(for: time)
        await process.check()
    }

    private func all(_ publications: [Publication], _ code: AMQPError.Code, _ message: String) -> [PublishOutcome] {
        publications.map { _ in .failed(AMQPError(code, message, isTransient: true)) }
    }
}

extension PublishOutcome {
    fileprivate var word: String {
        switch self {
        case .confirmed: "confirmed"
        case .returned: "returned"
        case .refused: "refused"
        case .failed(let error): error.code.rawValue
        }
    }
}
