import AMQP
import FoundationEssentials
import Logging
import Messaging
import Operations
import PostgreSQL
import Seeds
import TestKit
import Testing
import Topology

@testable import Bench

/// How long and from which seed `make fuzz` runs; CI's run is short and always the same.
enum FuzzPlan {
    static let rounds = number("WHARF_FUZZ_ROUNDS") ?? 12
    static let seed = UInt64(number("WHARF_FUZZ_SEED") ?? 1)

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }
}

extension System {
    @Suite(.timeLimit(.minutes(60))) struct `Fuzzing` {
        @Test func `every request is answered with a documented status, and never with 5xx`() async throws {
            let admin = try Visitor.admin()
            let guest = try Visitor.guest()
            let (customer, email) = try await Visitor.customer()
            let restarts = try admin.wharf.restarts
            let sku = try await admin.newProduct()
            let cart = try await guest.newCart(sku)
            var maker = RequestMaker(document: try await guest.get("/openapi.json").json, draws: SplitMix(seed: FuzzPlan.seed))
            for round in 0..<FuzzPlan.rounds {
                for request in maker.round(known: [sku, cart, email, "EUR", "stripe", "pm_card_visa", "GB", "London"]) {
                    // Its answer would end all sessions.
                    if request.operation == "users.sessions.deleteAll" || request.operation == "users.sessions.deleteCurrent" { continue }
                    let visitor = maker.draws.pick([admin, admin, customer, guest])
                    let answer = try await visitor.send(request.method, request.path, request.body, request.headers)
                    let details = "seed \(FuzzPlan.seed), round \(round): \(request.method) \(request.path) \(request.headers) \(request.body ?? "")"
                    // This shop has accounts neither at Twilio nor at SendGrid, so nothing that is sent as theirs can be checked.
                    let isUnconfigured = request.operation.hasPrefix("notifications.webhooks.") && answer.status == 503
                    #expect(answer.status < 500 || isUnconfigured, "\(details.prefix(2_000))")
                    #expect(request.documented.contains(answer.status), "\(answer.status) is not documented for \(request.operation): \(details.prefix(2_000))")
                    if answer.status >= 400 { #expect(answer.header("content-type") == "application/problem+json", "\(details.prefix(2_000))") }
                }
            }
            #expect(try admin.wharf.restarts == restarts)
        }

        @Test(arguments: ["users", "catalog", "carts", "orders", "payments", "notifications", "deadletters"])
        func `a message that is mutated in any way is handled or becomes a dead letter with its cause, and its worker lives`(service: String) async throws {
            let admin = try Visitor.admin()
            let restarts = try admin.wharf.restarts
            var maker = MessageMaker(draws: SplitMix(seed: FuzzPlan.seed))
            let operations = try MessageMaker.operations(of: service)
            var messages: [Publication] = []
            for _ in 0..<FuzzPlan.rounds { messages += operations.map { maker.mutation(of: $0, in: "\(service).commands") } }
            try await admin.wharf.publish(messages)
            let last = ForeignMessage(type: "the.last")
            try await last.put(into: "\(service).commands", of: admin.wharf)
            try await eventually("The last message is a dead letter", within: .seconds(60)) {
                try await admin.letters(of: "\(service).commands").contains { $0["messageId"]?.text == last.id }
            }
            // The broker counts every five seconds.
            try await eventually("Nothing waits, neither in the queue nor on the ladder", within: .seconds(60)) {
                try await admin.wharf.waiting { $0 == "\(service).commands" || $0.hasPrefix("retry.") } == 0
            }
            let causeless = try await SystemDatabase.with("deadletters") { connection in
                try await connection.query("SELECT id FROM letters WHERE cause = '' OR detail = ''").count
            }
            #expect(causeless == 0)
            #expect(try admin.wharf.restarts == restarts)
        }
    }
}

extension RunningWharf {
    /// Sends messages as another client would, as the broker's administrator.
    func publish(_ messages: [Publication]) async throws {
        let configuration = try AMQPConfiguration(url: settings.amqpURL(for: "administrator"), connectionName: "tests")
        let publisher = Publisher(configuration: configuration, logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        let outcomes = await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await publisher.run() }
            defer { group.cancelAll() }
            return await publisher.publish(messages)
        }
        #expect(outcomes.allSatisfy { $0 == .confirmed }, "\(outcomes.filter { $0 != .confirmed }.prefix(3))")
    }
}

/// Messages as services send them, each with one change.
struct MessageMaker {
    var draws: SplitMix

    /// The messages of the service's command queue.
    static func operations(of service: String) throws -> [String] {
        let definitions = try Definitions(contentsOf: RunningWharf.repository() + "/topology/definitions.json")
        return definitions.bindings.filter { $0.destination == "\(service).commands" && $0.source != Exchange.queues }.map(\.routingKey).sorted()
    }

    private static let bodies = [
        #"{"orderID": "6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10", "lines": [{"sku": "A", "quantity": 1}]}"#,
        #"{"orderID": "6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10", "amount": {"amount": 1, "currency": "EUR"}, "paymentMethod": "pm_card_visa"}"#,
        #"{"email": "a@example.com", "password": "correct horse", "name": "A"}"#, #"{"quantity": 2}"#, #"{"sku": "A", "delta": 1, "reason": "r"}"#,
        #"{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}"#, "{}",
    ]
    private static let names = ["p.id", "p.sku", "p.limit", "caller", "role", "email", "attempt", "failures", "traceparent", "x-death", "origin", "cause", "deadline"]
    private static let values: [FieldValue] = [
        .null, .boolean(true), .integer(0), .integer(.max), .integer(.min), .double(-0.5), .double(.greatestFiniteMagnitude), .array([.null, 1]), .table(["at": 1]), .timestamp(.max),
        .array([.table(["at": .integer(.max), "worker": "w", "cause": "\u{0}", "detail": "d"])]), .bytes([0xFF, 0]), "", "admin", "\u{0}",
        "6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10", .string(String(repeating: "x", count: 2_000)),
    ]

    mutating func mutation(of operation: String, in queue: String) -> Publication {
        var properties = Properties(messageID: UUID().uuidString, type: operation)
        if draws.oneIn(10) { properties.messageID = draws.pick([nil, "17", "", "6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B100"]) }
        if draws.oneIn(10) { properties.type = draws.pick([nil, "", "no.such", operation.uppercased()]) }
        if draws.oneIn(5) { (properties.replyTo, properties.correlationID) = ("nobody", "\u{0}") }
        for _ in 0..<Int.random(in: 0...3, using: &draws) { properties.headers[draws.pick(Self.names)] = draws.pick(Self.values) }
        var body = Array(draws.pick(Self.bodies).utf8)
        for _ in 0..<Int.random(in: 0...4, using: &draws) where !body.isEmpty {
            let place = Int.random(in: 0..<body.count, using: &draws)
            switch Int.random(in: 0..<4, using: &draws) {
            case 0: body[place] = UInt8.random(in: 0...255, using: &draws)
            case 1: body.remove(at: place)
            case 2: body.insert(draws.pick(Array("{}[]\",:0-".utf8)), at: place)
            default: body.removeLast(body.count - place)
            }
        }
        return Publication(exchange: "", routingKey: queue, properties: properties, body: body)
    }
}
