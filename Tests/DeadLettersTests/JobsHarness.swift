import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import TestKit
import WebClient

@testable import DeadLetters
@testable import JSON
@testable import Messaging
@testable import ServiceKit

extension DeadLettersHarness {
    init(_ service: ServiceHarness) {
        self.service = service
    }
}

/// The dead-letter service with its pollers, beside a payments service that handles what the test says.
struct JobsHarness: Sendable {
    /// The inbox of payments as a test sets it.
    final class PaymentsInbox: Sendable {
        private struct State {
            var handled: Set<UUID> = []
            var isAway = false
            var asked = 0
        }

        private let state = Mutex(State())

        var asked: Int { state.withLock { $0.asked } }
        func handle(_ messages: some Sequence<UUID> & Sendable) { state.withLock { $0.handled.formUnion(messages) } }
        func set(isAway: Bool) { state.withLock { $0.isAway = isAway } }

        func answer(_ request: Request) throws -> Reply {
            try state.withLock { state in
                if request.operation == MessageName.orderStates {
                    let orders = try JSON.decode(OrderStatesQuery.self, from: request.body).orders
                    return try Reply(json: OrderStates(counts: ["confirmed": orders.count]))
                }
                state.asked += 1
                guard !state.isAway, request.operation == "payments.inbox.find" else { throw RequestClient.Unanswered.timedOut }
                let query = try JSON.decode(InboxQuery.self, from: request.body)
                return try Reply(json: InboxAnswer(handled: query.messages.filter(state.handled.contains)))
            }
        }
    }

    let letters: DeadLettersHarness
    let inbox = PaymentsInbox()
    let definition: ServiceDefinition
    var clock: SetClock { letters.service.clock }

    init(rules: DeadLetterRules = DeadLetterRules(), transport: (any HTTPTransport)? = nil) async throws {
        let clock = SetClock()
        definition = DeadLettersService.definition(services: ["payments", "carts"], ask: { [inbox] request, _, _ in try inbox.answer(request) }, rules: rules, transport: transport, clock: clock)
        letters = DeadLettersHarness(try await ServiceHarness(definition, DeadLettersService.migrations, clock: clock))
    }

    /// Sets so many messages aside, one after another; returns their ids.
    func fill(_ count: Int, cause: String = "malformed-message", queue: String = "payments.commands", operation: String = "payments.void") async throws -> [UUID] {
        let ids = (0..<count).map { _ in UUID() }
        for start in stride(from: 0, to: count, by: 1_000) {
            let portion = ids[start..<min(start + 1_000, count)]
            _ = try await letters.collect(
                portion.map { .setAside(id: $0.uuidString, operation: operation, cause: cause, queue: queue, at: clock.now()) })
        }
        return ids
    }

    /// Messages that have died once more.
    func die(_ ids: some Sequence<UUID>, operation: String = "payments.void") async throws {
        clock.advance(by: 0.001)
        _ = try await letters.collect(ids.map { .setAside(id: $0.uuidString, operation: operation, at: clock.now()) })
    }

    func start(_ body: String, id: UUID = UUID()) async throws -> BatchHandler.Result {
        var request = try Request("deadletters.jobs.start", caller: letters.admin, id: id)
        request.body = Array(body.utf8)
        return await letters.service.send([request])[0]
    }

    func job(_ id: UUID) async throws -> JobView {
        try await letters.service.ask(Request("deadletters.jobs.get", parameters: ["id": id.uuidString], caller: letters.admin)).decoded()
    }

    func send(_ operation: String, _ id: UUID) async throws -> Reply {
        try await letters.service.send(Request(operation, parameters: ["id": id.uuidString], caller: letters.admin))
    }

    /// Requests to the service itself, as a worker would send them.
    func requests(_ messages: [OutgoingMessage], of input: UUID, isFromHandler: Bool) -> [Request] {
        messages.enumerated().compactMap { place, message in
            guard case .request(let operation) = message.destination else { return nil }
            let source = isFromHandler ? input : message.origin ?? UUID()
            let id = OutgoingMessage.id(at: isFromHandler ? place : 0, of: source, recorded: nil)
            return Request(id: id, operation: operation, body: message.body)
        }
    }

    /// What the pollers find.
    func due() async throws -> [Request] {
        var found: [Request] = []
        for poller in definition.pollers {
            let messages = try await letters.service.database.transaction { try await poller.find($0) }
            found += requests(messages, of: UUID(), isFromHandler: false)
        }
        return found
    }

    /// Handles these requests, each in a batch of its own, and those that follow; returns the ids of the messages that were replayed.
    func handle(_ requests: [Request]) async throws -> [UUID] {
        var open = requests
        var sent: [UUID] = []
        while !open.isEmpty {
            let request = open.removeFirst()
            let result = await letters.service.send([request])[0]
            if let failure = result.failure { throw failure }
            sent += result.replayed
            open += self.requests(result.outputs, of: request.id, isFromHandler: true)
        }
        return sent
    }

    /// Passes half a second, and does what is due then.
    func turn() async throws -> [UUID] {
        clock.advance(by: 0.5)
        return try await handle(due())
    }

    /// Goes on until the job has ended, for at most so many seconds; payments handles all messages but those that die again.
    func run(_ id: UUID, seconds: Int = 300, dying: Set<UUID> = []) async throws -> [UUID] {
        var sent: [UUID] = []
        for _ in 0..<seconds * 2 {
            let now = try await turn()
            sent += now
            inbox.handle(now.filter { !dying.contains($0) })
            try await die(now.filter(dying.contains))
            if try await job(id).state != .running { break }
        }
        return sent
    }
}

extension BatchHandler.Result {
    /// The ids of the messages that it replays.
    var replayed: [UUID] {
        outputs.compactMap { output in
            guard case .replay(let message, _) = output.destination else { return nil }
            return message.messageID.flatMap(UUID.init(uuidString:))
        }
    }

    var job: JobView { get throws { try reply.decoded() } }
}
