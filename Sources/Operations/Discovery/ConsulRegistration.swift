import FoundationEssentials
import IOThreads
public import Logging
public import Runtime
public import ServiceLifecycle
public import WebClient

/// Keeps a role registered with a Consul agent for as long as it runs, with a check that follows the role's readiness.
///
/// The role does not depend on Consul: if an agent is unavailable, refuses, or has forgotten the role, it is tried again after pauses that grow to half a minute. This service
/// starts after everything else in the role and stops first, so the role is deregistered before it stops serving.
public struct ConsulRegistration: Service {
    /// The pause between two reports.
    static let interval: Duration = .seconds(10)
    /// Three intervals: the check still passes after two lost reports.
    static let timeToLive = "30s"
    /// How long Consul keeps a process that was killed. Consul accepts one minute or more.
    static let forgottenAfter = "10m"
    static let firstPause: Duration = .seconds(1)
    static let longestPause: Duration = .seconds(30)
    /// The longest output that is sent, in characters; Consul truncates longer ones.
    static let maximumOutput = 4_000

    /// What Consul learns about a process.
    public struct Identity: Sendable {
        let role: String
        /// A name that is unique on the machine, such as `orders-4711`.
        let process: String
        let version: String
        let host: String

        public init(role: String, process: String, version: String, host: String = ProcessInfo.processInfo.hostName) {
            self.role = role
            self.process = process
            self.version = version
            self.host = host
        }

        /// The id of the process at Consul, with characters that a path can contain.
        var id: String {
            let text = "wharf-\(process)-\(host)"
            return String(text.map { ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "-" ? $0 : "-" })
        }
    }

    private let agent: ConsulAgent
    private let identity: Identity
    private let address: @Sendable () -> ListenAddress?
    private let readiness: @Sendable () async -> ReadinessReport
    private let clock: any WallClock
    private let logger: Logger
    private let interval: Duration
    private let firstPause: Duration

    /// - Parameters:
    ///   - address: of the agent: `host:port` or a URL.
    ///   - token: read again for each request.
    ///   - serving: where the role serves; nil before it does.
    public init(
        address: String, token: @autoclosure @escaping @Sendable () -> String?, transport: any HTTPTransport, identity: Identity, serving: @escaping @Sendable () -> ListenAddress?,
        readiness: @escaping @Sendable () async -> ReadinessReport, clock: any WallClock, logger: Logger
    ) {
        self.init(
            agent: ConsulAgent(address: address, token: token(), transport: transport), identity: identity, serving: serving, readiness: readiness, clock: clock,
            logger: logger, interval: Self.interval, firstPause: Self.firstPause)
    }

    init(
        agent: ConsulAgent, identity: Identity, serving: @escaping @Sendable () -> ListenAddress?, readiness: @escaping @Sendable () async -> ReadinessReport,
        clock: any WallClock, logger: Logger, interval: Duration, firstPause: Duration
    ) {
        self.agent = agent
        self.identity = identity
        address = serving
        self.readiness = readiness
        self.clock = clock
        self.logger = logger
        self.interval = interval
        self.firstPause = firstPause
    }

    /// Returns when the role shuts down, after it was deregistered if Consul can be reached.
    public func run() async throws {
        var backoff = Backoff(first: firstPause, longest: Self.longestPause)
        var state = State.unserved
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            var pause = interval
            if let serving = address() {
                do {
                    try await report(from: serving, isKnown: state == .registered)
                    if state != .registered { logger.info("registered with Consul", metadata: ["id": "\(identity.id)"]) }
                    state = .registered
                    backoff.reset()
                } catch {
                    if state != .missing { logger.warning("not registered with Consul", metadata: ["error": "\(error)"]) }
                    state = .missing
                    pause = backoff.next()
                }
            } else {
                pause = firstPause
            }
            // Only the pause is cancelled, not a request under way, which could reach the agent after the one that deregisters.
            try? await cancelWhenGracefulShutdown { [pause] in try await clock.sleep(for: pause) }
        }
        guard state != .unserved else { return }
        do {
            try await agent.deregister(identity.id)
        } catch {
            logger.warning("not deregistered from Consul, which forgets this process after \(Self.forgottenAfter)", metadata: ["error": "\(error)"])
        }
    }

    private enum State {
        /// The role does not serve yet, and nothing was sent to the agent.
        case unserved
        case registered
        /// The last request failed; the agent may have the role or not.
        case missing
    }

    /// Registers the role, or updates its check if the agent knows the role.
    private func report(from serving: ListenAddress, isKnown: Bool) async throws {
        let report = await readiness()
        let state = ConsulService.State(status: report.isReady ? "passing" : "critical", output: String(report.text.prefix(Self.maximumOutput)))
        let check = "service:\(identity.id)"
        if isKnown {
            do {
                return try await agent.update(check, state)
            } catch is ConsulRefusal {
                // An agent that was restarted without its data does not know the role.
            }
        }
        // A role that listens on all addresses is reachable at the one from which it calls; on the agent's machine, that is the agent's address.
        let address = Self.wildcards.contains(serving.host) ? try await agent.addressTowardsAgent() : serving.host
        try await agent.register(
            ConsulService(
                id: identity.id, name: "wharf-\(identity.role)", tags: [identity.role, "version-\(identity.version)"],
                address: address, port: serving.port,
                check: .init(id: check, name: "ready", status: state.status, timeToLive: Self.timeToLive, forgottenAfter: Self.forgottenAfter)))
    }

    private static let wildcards: Set<String> = ["0.0.0.0", "::", ""]
}
