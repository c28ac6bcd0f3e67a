import FoundationEssentials
import Glibc
import Hummingbird
import JSON
import LocalServers
import LocalState
import Logging
import Messaging
import ServiceLifecycle
import Synchronization
import TestKit
import Testing
import WebClient

/// nginx with the configuration of `gateway/`, on a free port, in front of ingress processes that a fake Consul lists.
struct GatewayProcess: Sendable {
    let url: String
    let folder: String
    let web: WebClient
    let instances: Instances
    private let process: ManagedProcess

    var certificate: String { "\(folder)/tls-certificate" }

    func visitor(token: String? = nil) throws -> Visitor {
        Visitor(wharf: try .get(), token: token, entrance: .init(url: url, web: web))
    }

    /// A curl that ignores the environment's proxy, which another test may have set.
    func curlCommand(_ arguments: [String]) -> ProcessCommand {
        ProcessCommand("/usr/bin/curl", ["-sS", "--noproxy", "*", "--cacert", certificate] + arguments)
    }

    /// The answer to a request that curl sends, because the client here cannot.
    func curl(_ arguments: [String]) async throws -> String {
        let output = "\(folder)/curl-\(UUID())"
        let process = ManagedProcess(name: "curl", command: curlCommand(["--max-time", "20"] + arguments), output: .file(output))
        try await process.start()
        #expect(await process.exit == .exited(0))
        return try String(contentsOfFile: output, encoding: .utf8)
    }

    var log: String { (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "" }
    /// The number of times that it has loaded a change of instances.
    var reloads: Int { log.matches(of: /gateway: reloaded/).count }

    /// Runs `body` beside a gateway.
    static func running(_ ports: [Int], _ environment: [String: String] = [:], _ body: (GatewayProcess) async throws -> Void) async throws {
        let instances = Instances(ports)
        try await instances.serving { consul in
            let gateway = try await start(instances, consul, environment)
            do {
                try await body(gateway)
            } catch {
                await gateway.stop()
                throw error
            }
            await gateway.stop()
        }
    }

    private static func start(_ instances: Instances, _ consul: Int, _ environment: [String: String]) async throws -> GatewayProcess {
        let folder = TestServers.folder("gateway")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let source = "\(RunningWharf.repository())/gateway"
        let certificate = ManagedProcess(name: "certificate", command: ProcessCommand("/bin/sh", ["\(source)/certificate", folder]), output: .file("\(folder)/log"))
        try await certificate.start()
        try #require(await certificate.exit == .exited(0))
        let port = try FreePorts.next(for: folder)
        var settings = [
            "GATEWAY_STATE": "\(folder)/state", "GATEWAY_CACHE": "\(folder)/cache", "GATEWAY_CERTIFICATE": "\(folder)/tls-certificate", "GATEWAY_KEY": "\(folder)/tls-key",
            "GATEWAY_LISTEN": "127.0.0.1:\(port)", "GATEWAY_INGRESS": "127.0.0.1:9", "CONSUL_HTTP_ADDR": "127.0.0.1:\(consul)", "GATEWAY_RATE": "1000", "GATEWAY_BURST": "1000",
        ]
        if geteuid() == 0 { settings["GATEWAY_USER"] = "root" }
        let process = ManagedProcess(
            name: "gateway",
            command: ProcessCommand("/bin/sh", ["\(source)/run"], environment: settings.merging(environment) { $1 }, inheritsEnvironment: false),
            output: .file("\(folder)/log"))
        try await process.start()
        let web = WebClient(certificateAuthorityFile: "\(folder)/tls-certificate", logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        let gateway = GatewayProcess(url: "https://localhost:\(port)", folder: folder, web: web, instances: instances, process: process)
        try await eventually("The gateway") { try await gateway.web.send(WebRequest(url: "\(gateway.url)/@read-12")).status == 404 }
        return gateway
    }

    private func stop() async {
        web.shutdown()
        await process.stop(signal: SIGQUIT)
    }
}

/// The part of Consul's API from which the gateway reads the ingress processes.
final class Instances: Sendable {
    private let ports: Mutex<[Int]>

    init(_ ports: [Int]) { self.ports = Mutex(ports) }

    func become(_ ports: [Int]) { self.ports.withLock { $0 = ports } }

    private var list: String {
        let items = ports.withLock { $0 }.map { port in
            // As Consul writes it: the node's address comes first, and tags may contain anything.
            #"{"Node":{"ID":"1","Node":"n","Address":"192.0.2.1"},"Service":{"ID":"wharf-ingress-\#(port)","Service":"wharf-ingress","Tags":["ingress","version-1"],"Address":"127.0.0.1","#
                + #""TaggedAddresses":{"lan_ipv4":{"Address":"127.0.0.1","Port":\#(port)}},"Meta":null,"Port":\#(port)},"Checks":[{"Status":"passing"}]}"#
        }
        return "[\(items.joined(separator: ","))]"
    }

    func serving(_ body: (_ port: Int) async throws -> Void) async throws {
        let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        router.get("v1/health/service/wharf-ingress") { _, _ in self.list }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)), onServerRunning: { port.yield($0.localAddress?.port ?? 0) },
            logger: logger)
        let group = ServiceGroup(configuration: .init(services: [.init(service: application)], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { port.finish() }
                try await group.run()
            }
            if let port = await ports.first(where: { _ in true }) { try await body(port) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

/// An ingress beside the running shop that trusts proxies on this machine.
struct IngressProcess: Sendable {
    let port: Int
    private let process: ManagedProcess

    static func start(_ environment: [String: String] = [:]) async throws -> IngressProcess {
        let wharf = try RunningWharf.get()
        let folder = URL(filePath: wharf.folder.path).deletingLastPathComponent().path
        let port = try FreePorts.next(for: "ingress")
        let settings = ["WHARF_HTTP_ADDRESS": "127.0.0.1:\(port)", "WHARF_TRUSTED_PROXIES": "127.0.0.1"].merging(environment) { $1 }
        let process = ManagedProcess(
            name: "ingress",
            command: ProcessCommand(RunningWharf.executable, ["ingress"], environment: settings, inheritsEnvironment: false, workingFolder: folder),
            output: .file("\(TestServers.folder("ingress")).log"))
        try await process.start()
        let ingress = IngressProcess(port: port, process: process)
        do {
            try await eventually("The ingress", within: .seconds(60)) { try await wharf.web.send(WebRequest(url: "http://127.0.0.1:\(port)/readyz")).status == 200 }
        } catch {
            await process.kill()
            throw error
        }
        return ingress
    }

    func terminate() async { await process.send(signal: SIGTERM) }
    func stop() async { await process.stop(grace: .seconds(30)) }
    func kill() async { await process.kill() }
}
