import LocalServers
import LocalState
import Terminal

extension UpRun {
    private static let catalogueVersion = 1

    /// Each part begins as soon as its prerequisites are ready.
    package func start() async throws {
        try await console.progress(parts) {
            try await together([startBroker, startDatabase, startCache])
            try await together([startSandbox, startWorkers, startIngress, startConsole])
            try await loadCatalogue()
        }
        startGuard.settle()
        await recorder.enter(.ready)
        console.line(summary.text(console.paint))
    }

    private var parts: [String] {
        let roles = (processes.sandbox.isEmpty ? [] : ["payment sandbox"]) + ["workers", "ingress"] + (consoleURL == nil ? [] : ["console"]) + (wantsDemo ? ["demo catalogue"] : [])
        return (servers == nil ? ["topology", "schemas"] : ["RabbitMQ", "topology", "PostgreSQL", "schemas", "Redis"]) + roles
    }

    private func together(_ steps: [@Sendable () async throws -> Void]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for step in steps { group.addTask { try await step() } }
            try await group.waitForAll()
        }
    }

    @Sendable private func startBroker() async throws {
        if let servers {
            try await console.part("RabbitMQ") {
                try await begin(servers.rabbitMQSupervisor)
                return "port \(servers.rabbitMQ.port)"
            }
        }
        try await console.part("topology") {
            try await setup.applyTopology(environment.setup, logger)
            return ""
        }
    }

    @Sendable private func startDatabase() async throws {
        if let servers {
            try await console.part("PostgreSQL") {
                try await begin(servers.postgresSupervisor)
                return "port \(servers.postgres.port)"
            }
        }
        try await console.part("schemas") {
            try await setup.migrate(environment.setup, logger)
            try await setup.ensureAdministrator(UpSecrets.adminEmail, secrets.adminPassword, environment.setup, logger)
            return ""
        }
    }

    @Sendable private func startCache() async throws {
        guard let servers else { return }
        try await console.part("Redis") {
            try await begin(servers.redisSupervisor)
            return "port \(servers.redis.port)"
        }
    }

    @Sendable private func startSandbox() async throws {
        guard let sandboxURL = environment.sandboxURL else { return }
        try await console.part("payment sandbox") {
            for supervisor in processes.sandbox { try await begin(supervisor) }
            try await probe.wait(for: ["\(sandboxURL)/livez"])
            return sandboxURL
        }
    }

    @Sendable private func startWorkers() async throws {
        try await console.part("workers") {
            for supervisor in processes.workers { try await begin(supervisor) }
            try await startupProbe.wait(for: processes.workers) { console.line($0) }
            return "\(processes.workers.count) processes"
        }
    }

    /// Ready means that it answers, and that an answer from a worker arrives.
    @Sendable private func startIngress() async throws {
        try await console.part("ingress") {
            for supervisor in processes.ingress { try await begin(supervisor) }
            try await probe.wait(for: ["\(url)/readyz", "\(url)/v1/products?limit=1"]) {
                // Another program may have taken the port meanwhile, and would answer as well.
                for supervisor in processes.ingress {
                    guard let pid = await supervisor.process.pid, ProcessView(pid: pid).listeningPorts.contains(port) else { return false }
                }
                return true
            }
            return url
        }
    }

    @Sendable private func startConsole() async throws {
        guard let consoleURL else { return }
        try await console.part("console") {
            for supervisor in processes.console { try await begin(supervisor) }
            try await probe.wait(for: ["\(consoleURL)/sign-in"])
            return consoleURL
        }
    }

    private func loadCatalogue() async throws {
        guard wantsDemo else { return }
        try await console.part("demo catalogue") {
            if try folder.read(Int.self, from: StateFolder.catalogueFile) == Self.catalogueVersion { return "loaded before" }
            try await DemoLoader(transport: transport, url: url, email: UpSecrets.adminEmail, password: secrets.adminPassword).load()
            try folder.write(Self.catalogueVersion, to: StateFolder.catalogueFile)
            return "\(DemoProduct.all.count) products"
        }
    }

    private var startupProbe: StartupProbe { StartupProbe(startGuard: startGuard) }

    private var probe: ReadinessProbe { ReadinessProbe(transport: transport, startGuard: startGuard) }

    private var summary: UpSummary {
        UpSummary(
            url: url, consoleURL: consoleURL, adminEmail: UpSecrets.adminEmail, adminPassword: secrets.adminPassword, mail: environment.usesMailFolder ? folder.mail : nil, logs: folder.logs,
            sandboxURL: environment.sandboxURL, offersStripe: environment.offersStripe, timeToReady: ContinuousClock.now - startedAt, hasDemo: wantsDemo)
    }
}
