import AMQP
import ArgumentParser
import FoundationEssentials
import Ingress
import Instruments
import Logging
import Messaging
import Metrics
import Operations
import PostgreSQL
import ServiceLifecycle
import Topology
import UnixSignals

#if canImport(Glibc)
    import Glibc
#endif

/// A process that runs until it is stopped: SIGTERM or SIGINT ends it in order, a second one at once.
package enum Role {
    /// How long a stopping ingress waits for requests in progress: longer than any of them may take.
    static let longestDrain: Duration = .seconds(45)
    /// The rest of a shutdown is cut off after this: the messages concerned are delivered again. Supervisors of a role (`wharf-dev up`, compose)
    /// wait longer.
    package static let longestShutdown: Duration = longestDrain + .seconds(5)

    /// - Parameters:
    ///   - name: The name of the process in logs and at the broker.
    ///   - services: Builds its services, in the order in which they start.
    package static func run(
        _ name: String, _ services: (Assembly) throws -> [any Service]
    ) async throws {
        let (settings, logger) = try start(name)
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        Instrument.buildInfo.gauge(Version.current, name).record(1)
        var tracing = Assembly(settings: settings, logger: logger, name: "\(name)-\(getpid())")
        let exporter = tracing.startTracing(name)
        let assembly = tracing
        let parts = try stoppingOnBadSettings { try services(assembly) }
        let gauges = parts.compactMap { $0 as? any HasGauges }
        let adminPort = SharedPort()
        let admin = AdminServer(
            address: settings.adminAddress, checks: parts.flatMap { ($0 as? any HasReadiness)?.readiness ?? [] },
            pages: parts.flatMap { ($0 as? any HasAdminPages)?.adminPages ?? [] }, metrics: metrics,
            updateGauges: { for part in gauges { part.updateGauges() } }, logger: assembly.logger("admin"), onReady: adminPort.set)
        let listening = Listener(admin, at: settings.adminAddress, "WHARF_ADMIN_ADDRESS", adminPort)
        let registration = assembly.consulRegistration(of: name, readiness: admin.readiness) { adminPort.number }
        let group = ServiceGroup(
            configuration: {
                var configuration = ServiceGroupConfiguration(
                    services: ([listening] + [exporter].compactMap(\.self) + parts + [registration].compactMap(\.self)).map { .init(service: $0) }, logger: logger)
                configuration.maximumGracefulShutdownDuration = longestShutdown + .seconds(settings.drainSeconds)
                return configuration
            }())
        logger.info("starting")
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                tasks.addTask { await stop(group, on: logger) }
                try await tasks.next()
                tasks.cancelAll()
            }
        } catch {
            logger.critical("stopped by an error", metadata: ["error": "\(error)"])
            throw ExitCode(isConfiguration(error) ? 78 : 1)
        }
        logger.info("stopped")
    }

    /// Reads the settings and opens the log: the start of every command. A tool logs warnings only.
    package static func start(_ name: String, isTool: Bool = false) throws -> (settings: Settings, logger: Logger) {
        // The settings that `wharf-dev up` has written are for the tools beside it; a role takes only its own part, without the administrator's password.
        let settings = try stoppingOnBadSettings { try isTool ? Settings.load() : Settings.load(role: name) }
        let level = isTool ? max(settings.logLevel, .warning) : settings.logLevel
        let handlers = LogHandlers(format: settings.logFormat, level: level, service: settings.openTelemetry.serviceName ?? name)
        LoggingSystem.bootstrap(handlers.make)
        var logger = Logger(label: "wharf")
        logger[metadataKey: "role"] = "\(name)"
        for warning in settings.warnings { logger.warning("\(warning)") }
        return (settings, logger)
    }

    private static func stop(_ group: ServiceGroup, on logger: Logger) async {
        var isStopping = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            if isStopping {
                logger.warning("second \(signal), ending at once")
                _exit(1)
            }
            isStopping = true
            logger.info("\(signal), shutting down")
            await group.triggerGracefulShutdown()
        }
    }

    /// Exit status 78 (EX_CONFIG), with one line that says what is wrong.
    package static func stoppingOnBadSettings<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error where isConfiguration(error) {
            complain("\(error)")
            throw ExitCode(78)
        }
    }

    package static func complain(_ text: String) {
        printError("wharf: \(text)")
    }

    static func printError(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func isConfiguration(_ error: any Error) -> Bool {
        switch error {
        case is SettingError, is AssemblyError, is CredentialsError, is OpenAPIError, is TopologyError: true
        case let error as AMQPError: error.code == .configuration || error.code == .notFound
        case let error as PostgresError: error.code == .configuration
        default: false
        }
    }
}
