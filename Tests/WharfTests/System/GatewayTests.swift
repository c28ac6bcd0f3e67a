import FoundationEssentials
import LocalServers
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing
import WebClient

@testable import JSON

extension System {
    /// The configuration of `gateway/`, in Debian's nginx, in front of real ingress processes.
    @Suite struct `Gateway` {
        @Test func `an order succeeds over TLS, and only the gateway determines the client's address`() async throws {
            let ingress = try await IngressProcess.start()
            try await GatewayProcess.running([ingress.port]) { gateway in
                let admin = try Visitor.admin()
                let guest = try gateway.visitor()
                let order = try await guest.checkout(try await guest.newCart(try await admin.newProduct()))
                #expect(order.status == 200 && order["order", "state"] == "confirmed")
                #expect(order.header("strict-transport-security") != nil && order.response.headers.filter { $0.name.lowercased() == "x-request-id" }.count == 1)
                #expect(try await guest.get("/v1/nowhere", ["x-request-id": "of-the-client"]).header("x-request-id") == "of-the-client")

                // A session records the address from which its owner signed in.
                let (customer, email) = try await Visitor.customer()
                let forged = ["X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9", "Content-Type: application/json"].flatMap { ["-H", $0] }
                let password = #"{"email": "\#(email)", "password": "correct horse battery"}"#
                let session = try await gateway.curl(["--interface", "127.0.0.2", "-d", password, "\(gateway.url)/v1/sessions"] + forged)
                let token = try #require(try JSON.decode(JSONValue.self, from: Array(session.utf8))["token"]?.text)
                let addresses = try await customer.get("/v1/sessions")["items"]?.list.compactMap { $0["address"]?.text } ?? []
                #expect(addresses.contains("127.0.0.2") && !addresses.contains("203.0.113.9"), "\(addresses)")
                let secret = try #require(order["token"]?.text)
                #expect(!gateway.log.contains(token) && !gateway.log.contains(secret))
            }
            await ingress.stop()
        }

        @Test func `a stream of events is not delayed`() async throws {
            let ingress = try await IngressProcess.start()
            try await GatewayProcess.running([ingress.port]) { gateway in
                let guest = try gateway.visitor()
                let cart = try await guest.newCart(try await Visitor.admin().newProduct())
                let answer = try await guest.checkout(cart, paying: "pm_card_authenticationRequired")
                #expect(answer["order", "state"] == "requiresAction")
                let (order, token) = (try #require(answer["order", "id"]?.text), try #require(answer["token"]?.text))
                let output = "\(gateway.folder)/events"
                let listener = ManagedProcess(name: "curl", command: gateway.curlCommand(["-N", "\(gateway.url)/v1/orders/\(order)/events?token=\(token)"]), output: .file(output))
                try await listener.start()
                try await eventually("The first events") { try String(contentsOfFile: output, encoding: .utf8).contains("data:") }
                // The stream continues, because the order waits for its customer.
                #expect(await listener.isRunning)
                await listener.kill()
            }
            await ingress.stop()
        }

        @Test func `without an ingress only a guest's product is served, for a while`() async throws {
            let ingress = try await IngressProcess.start()
            try await GatewayProcess.running([ingress.port]) { gateway in
                let admin = try Visitor.admin()
                let sku = try await admin.newProduct()
                let path = "/v1/products/\(try #require(try await admin.get("/v1/products?search=\(sku)")["items"]?.list.first?["id"]?.text))"
                let guest = try gateway.visitor()
                let first = try await guest.get(path)
                #expect(first.status == 200)
                let again = try await guest.get(path)
                #expect(again.json == first.json && again.header("x-request-id") != first.header("x-request-id"))
                // An administrator's answer is neither stored in the cache nor taken from it.
                let asAdmin = try gateway.visitor(token: admin.token)
                #expect(try await asAdmin.get(path).header("cache-control") == "no-store")
                await ingress.kill()
                for _ in 1...3 { #expect(try await guest.get(path).json == first.json) }
                #expect(try await asAdmin.get(path).problem == "unavailable")
                #expect(try await guest.get(path, ["cookie": "a=b"]).problem == "unavailable")
                #expect(try await guest.get(path, ["cache-control": "no-cache"]).problem == "unavailable")
                #expect(try await guest.get("\(path)?archived=true").problem == "unavailable")
                let refused = try await guest.post("/v1/carts")
                #expect(refused.status == 503 && refused.header("retry-after") == "1" && refused.header("content-type") == "application/problem+json")
            }
        }

        @Test func `reads are retried on another instance, and other requests only if no ingress has seen them`() async throws {
            let first = try await DroppingServer.start()
            let second = try await DroppingServer.start()
            try await GatewayProcess.running([first.port, second.port]) { gateway in
                let guest = try gateway.visitor()
                // An instance that has failed is left out for two seconds; with both left out the answer is 503.
                for (method, path) in [("POST", "/v1/carts"), ("PUT", "/v1/carts/a/items/b"), ("DELETE", "/v1/carts/a/items/b"), ("PATCH", "/v1/users/me"), ("POST", "/v1/checkouts")] {
                    try await eventually("An instance takes \(method)") {
                        let before = first.requests + second.requests
                        let answer = try await guest.send(method, path, "{}")
                        guard answer.status != 503 else { return false }
                        #expect(answer.problem == "timeout" && first.requests + second.requests - before == 1, "\(method) \(path)")
                        return true
                    }
                }
                try await eventually("A read reaches both instances") {
                    let before = (first.requests, second.requests)
                    _ = try await guest.get("/v1/users/me")
                    return first.requests - before.0 == 1 && second.requests - before.1 == 1
                }
            }
            try await first.stop()
            try await second.stop()
        }

        @Test func `too many requests from one address get 429 with a problem`() async throws {
            let ingress = try await IngressProcess.start()
            try await GatewayProcess.running([ingress.port], ["GATEWAY_RATE": "1", "GATEWAY_BURST": "2"]) { gateway in
                let guest = try gateway.visitor()
                var answers: [Answer] = []
                for _ in 1...8 { answers.append(try await guest.get("/v1/categories")) }
                let refused = try #require(answers.first { $0.status == 429 })
                #expect(refused.problem == "too-many-attempts" && refused.header("content-type") == "application/problem+json")
                #expect(refused.header("retry-after") == "1" && refused.header("x-request-id") != nil)
                #expect(answers.contains { $0.status == 200 })
            }
            await ingress.stop()
        }

        @Test func `the console is served to the networks of administrators only`() async throws {
            // An ingress stands in for the console.
            let ingress = try await IngressProcess.start()
            let port = try FreePorts.next(for: "console")
            for (clients, status) in [("192.0.2.0/24,127.0.0.1", 200), ("192.0.2.0/24", 404)] {
                let settings = ["GATEWAY_CONSOLE": "127.0.0.1:\(ingress.port)", "GATEWAY_CONSOLE_LISTEN": "127.0.0.1:\(port)", "GATEWAY_CONSOLE_CLIENTS": clients]
                try await GatewayProcess.running([ingress.port], settings) { gateway in
                    let response = try await gateway.web.send(WebRequest(url: "https://localhost:\(port)/v1/categories"))
                    #expect(response.status == status)
                }
            }
            await ingress.stop()
        }

        @Test func `only imports may have large bodies`() async throws {
            let ingress = try await IngressProcess.start()
            try await GatewayProcess.running([ingress.port]) { gateway in
                let guest = try gateway.visitor()
                let body = [UInt8](repeating: 0x20, count: 2 << 20)
                #expect(try await guest.send("POST", "/v1/carts", bytes: body).problem == "body-too-large")
                #expect(try await guest.send("POST", "/v1/imports?kind=products", bytes: body).status == 401)
            }
            await ingress.stop()
        }

        @Test func `a stopping ingress serves until gateways have had time to leave it`() async throws {
            let ingress = try await IngressProcess.start(["WHARF_DRAIN_SECONDS": "30"])
            var guest = try Visitor.guest()
            guest.entrance = .init(url: "http://127.0.0.1:\(ingress.port)", web: guest.wharf.web)
            await ingress.terminate()
            try await eventually("It is not ready") { try await guest.get("/readyz").problem == "unavailable" }
            #expect(try await guest.post("/v1/carts").status == 201)
            await ingress.kill()
        }

        private final class End: Sendable {
            let isOver = Atomic(false)
        }

        @Test func `an instance that does not answer is left out, although Consul lists it`() async throws {
            let ingress = try await IngressProcess.start()
            let gone = try FreePorts.next(for: "gone")
            try await GatewayProcess.running([ingress.port, gone]) { gateway in
                try await eventually("The other one alone") {
                    let instances = try String(contentsOfFile: "\(gateway.folder)/state/instances.conf", encoding: .utf8)
                    return instances.contains("127.0.0.1:\(ingress.port) ") && !instances.contains("127.0.0.1:\(gone) ")
                }
            }
            await ingress.stop()
        }

        @Test func `instances come and go, and no request is lost`() async throws {
            let first = try await IngressProcess.start()
            let second = try await IngressProcess.start()
            try await GatewayProcess.running([first.port]) { gateway in
                let end = End()
                try await withThrowingTaskGroup(of: (requests: Int, failures: [Int]).self) { tasks in
                    for client in 1...4 {
                        tasks.addTask {
                            let guest = try gateway.visitor()
                            var requests = 0
                            var failures: [Int] = []
                            while !end.isOver.load(ordering: .relaxed) {
                                // Before nginx 1.27.4, a reload closes idle connections that a client may be about to reuse.
                                let close = ["connection": "close"]
                                let answer = client % 2 == 0 ? try await guest.post("/v1/carts", nil, close) : try await guest.get("/v1/categories", close)
                                requests += 1
                                if !answer.response.isSuccess { failures.append(answer.status) }
                            }
                            return (requests, failures)
                        }
                    }
                    for (count, ports) in [[first.port, second.port], [second.port], [first.port, second.port], [first.port]].enumerated() {
                        gateway.instances.become(ports)
                        try await eventually("A reload") { gateway.reloads > count }
                    }
                    end.isOver.store(true, ordering: .relaxed)
                    for try await result in tasks {
                        #expect(result.failures == [])
                        #expect(result.requests > 10)
                    }
                }
            }
            await first.stop()
            await second.stop()
        }
    }
}

/// Reads requests and closes the connection without an answer. Counts the requests, except those for `/readyz`.
private final class DroppingServer: Sendable {
    private let counter: Counter
    private let channel: any Channel

    private final class Counter: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let count = Atomic(0)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            // The gateway asks for readiness every two seconds.
            if !String(buffer: unwrapInboundIn(data)).hasPrefix("GET /readyz ") { count.add(1, ordering: .relaxed) }
            context.close(promise: nil)
        }
    }

    var requests: Int { counter.count.load(ordering: .relaxed) }
    var port: Int { channel.localAddress?.port ?? 0 }

    private init(_ counter: Counter, _ channel: any Channel) {
        self.counter = counter
        self.channel = channel
    }

    static func start() async throws -> DroppingServer {
        let counter = Counter()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { $0.pipeline.addHandler(counter) }
            .bind(host: "127.0.0.1", port: 0).get()
        return DroppingServer(counter, channel)
    }

    func stop() async throws { try await channel.close() }
}
