import AMQP
import FoundationEssentials
import Ingress
import Messaging
import TestKit
import Testing
import WebClient

extension Faults {
    @Suite struct `Full query queues` {
        /// A queue of each kind that the policy bounds, and a request that goes to it.
        enum Kind: String, CaseIterable {
            case queries = "catalog.queries"
            case credentials = "users.credentials"
            case registrations = "users.registrations"

            func request(_ url: String) -> WebRequest {
                switch self {
                case .queries: WebRequest(url: "\(url)/v1/products")
                case .credentials: Self.post("\(url)/v1/sessions", #"{"email": "ada@wharf.example", "password": "correct horse battery"}"#)
                case .registrations:
                    Self.post("\(url)/v1/users", #"{"email": "ada@wharf.example", "password": "correct horse battery", "name": "Ada"}"#)
                }
            }

            private static func post(_ url: String, _ body: String) -> WebRequest {
                WebRequest(method: "POST", url: url, headers: [("content-type", "application/json")], body: Array(body.utf8))
            }
        }

        @Test(arguments: Kind.allCases)
        func `a request to a full queue is answered 503 with a time to retry, long before its deadline`(kind: Kind) async throws {
            let scene = try await Scene()
            let held = try await Self.fill(kind.rawValue, of: scene)
            #expect(held >= 1_000)
            try await scene.withIngress { url in
                let web = WebClient(logger: quiet)
                let clock = ContinuousClock()
                let began = clock.now
                let answer = try await web.send(kind.request(url))
                #expect(answer.status == 503)
                #expect(answer.first("retry-after") != nil)
                #expect(clock.now - began < .seconds(2), "a query's deadline is 5 s")
            }
        }

        /// Fills the queue until it refuses, without a consumer. Returns how many messages it has accepted.
        private static func fill(_ queue: String, of scene: Scene) async throws -> Int {
            let publisher = Publisher(configuration: scene.configuration, logger: quiet)
            return try await running(publisher) {
                let message = Publication(exchange: "", routingKey: queue, properties: Properties(persistent: false), body: [])
                var outcomes: [PublishOutcome] = []
                while !outcomes.contains(.refused) {
                    outcomes += await publisher.publish(Array(repeating: message, count: 100))
                    try #require(outcomes.count <= 10_000, "\(queue) has no bound")
                }
                return outcomes.count { $0 == .confirmed }
            }
        }
    }
}

extension Scene {
    /// Runs `body` beside an ingress with connections of its own; `url` is where it listens.
    fileprivate func withIngress(file: String = #filePath, _ body: (_ url: String) async throws -> Void) async throws {
        let root = file.split(separator: "/").dropLast(3).joined(separator: "/")
        let commands = Publisher(configuration: configuration, logger: quiet)
        let queries = Publisher(configuration: configuration, logger: quiet)
        let replies = Consumer(
            configuration: configuration, source: .exclusive(prefix: "\(Exchange.replies).ingress.", bindings: [(Exchange.replies, nil)]),
            prefetch: RequestClient.maximumInFlight, noAck: true, logger: quiet)
        let requests = RequestClient(
            commands: commands, queries: queries, replies: replies, clock: SystemTime(), randomness: SystemChance(), logger: quiet)
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let ingress = try Ingress(
            configuration: IngressConfiguration(port: 0, openapi: "/\(root)/topology/openapi.yaml"), requests: requests, clock: SystemTime(),
            randomness: SystemChance(), logger: quiet
        ) { ready.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await commands.run() }
            group.addTask { try await queries.run() }
            group.addTask { try await replies.run() }
            group.addTask { try await requests.run() }
            group.addTask { try await ingress.run() }
            defer { group.cancelAll() }
            let port = try #require(await ports.first { _ in true })
            try await eventually("Requests can be sent") { await requests.canSend }
            try await body("http://127.0.0.1:\(port)")
        }
    }
}
