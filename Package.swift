// swift-tools-version: 6.2
import PackageDescription

// Clients own the C pointers; everywhere else a stray pointer is a compile error.
let client: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let safe: [SwiftSetting] = client + [.strictMemorySafety()]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let metricsTestKit = Target.Dependency.product(name: "MetricsTestKit", package: "swift-metrics")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

// Test targets to build, separated by commas, as in: WHARF_SUITES=MessagingTests,OrdersTests swift test; all of them without it.
let suites = Context.environment["WHARF_SUITES"].map { Set($0.split(separator: ",").map(String.init)) }

/// The services, each with the clients that it uses besides its database's.
let clientsOfServices: KeyValuePairs<String, [Target.Dependency]> = [
    "Users": ["Redis", "IOThreads"],
    "Catalog": ["IOThreads"],
    "Carts": [],
    "Orders": [],
    "Payments": ["WebClient"],
    "Notifications": ["WebClient"],
    "DeadLetters": ["AMQP", "WebClient"],
]
let services = clientsOfServices.map(\.key)

func development(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Development/\(name)", swiftSettings: safe)
}

let package = Package(
    name: "wharf",
    platforms: [.macOS(.v26)],
    products: [.executable(name: "wharf", targets: ["wharf"]), .executable(name: "wharf-dev", targets: ["wharf-dev"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        // C libraries: module maps and small shims, nothing else.
        .systemLibrary(name: "CRabbitMQ", path: "Sources/CLibraries/CRabbitMQ", pkgConfig: "librabbitmq"),
        .systemLibrary(name: "CPostgreSQL", path: "Sources/CLibraries/CPostgreSQL", pkgConfig: "libpq"),
        .systemLibrary(name: "CCurl", path: "Sources/CLibraries/CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "COpenSSL", path: "Sources/CLibraries/COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CHiredis", path: "Sources/CLibraries/CHiredis"),
        .systemLibrary(name: "CZlib", path: "Sources/CLibraries/CZlib"),
        .systemLibrary(name: "CYAML", path: "Sources/CLibraries/CYAML"),
        .systemLibrary(name: "CThreads", path: "Sources/CLibraries/CThreads"),

        // The metrics: their names, kinds, labels and meanings.
        .target(name: "Instruments", dependencies: [metrics], swiftSettings: safe),
        // What the clients run on.
        .target(name: "IOThreads", dependencies: ["CThreads"], path: "Sources/Clients/IOThreads", swiftSettings: client),
        .target(name: "AMQP", dependencies: ["IOThreads", "Instruments", "CRabbitMQ", log, metrics, lifecycle], path: "Sources/Clients/AMQP", swiftSettings: client),
        .target(name: "PostgreSQL", dependencies: ["IOThreads", "CPostgreSQL", log, lifecycle], path: "Sources/Clients/PostgreSQL", swiftSettings: client),
        .target(name: "WebClient", dependencies: ["IOThreads", "CCurl", log], path: "Sources/Clients/WebClient", swiftSettings: client),
        .target(name: "Redis", dependencies: ["IOThreads", "CHiredis", "COpenSSL", log], path: "Sources/Clients/Redis", swiftSettings: client),
        .target(name: "Gzip", dependencies: ["CZlib"], path: "Sources/Clients/Gzip", swiftSettings: client),
        .target(name: "YAML", dependencies: ["CYAML"], path: "Sources/Clients/YAML", swiftSettings: client),
        .target(name: "Secrets", dependencies: ["COpenSSL"], path: "Sources/Clients/Secrets", swiftSettings: client),

        // The coder of all JSON; time and chance, which a run can be given its own of.
        .target(name: "JSON", dependencies: ["Secrets"], swiftSettings: safe),
        .target(name: "Runtime", swiftSettings: safe),
        .target(name: "Contracts", dependencies: ["JSON", "Secrets"], swiftSettings: safe),
        .target(name: "Traces", dependencies: ["Runtime", "Secrets", "Instruments", metrics, tracing], swiftSettings: safe),
        .target(
            name: "Operations",
            dependencies: [
                "Messaging", "JSON", "Runtime", "Secrets", "Contracts", "Instruments", "Traces", "IOThreads", "AMQP", "PostgreSQL", "Redis", "WebClient", log, metrics, tracing, lifecycle,
                hummingbird,
                .product(name: "Configuration", package: "swift-configuration"),
            ], swiftSettings: safe),
        .target(name: "Messaging", dependencies: ["JSON", "Runtime", "AMQP", "PostgreSQL", "Secrets", "Contracts", "Instruments", "Traces", log, metrics, tracing, lifecycle], swiftSettings: safe),
        // Reads what callers send, and writes pages.
        .target(name: "Input", dependencies: ["Messaging", "JSON", "Contracts", "Secrets"], swiftSettings: safe),
        .target(name: "Topology", dependencies: ["Messaging", "JSON", "Runtime", "Contracts", "Secrets"], swiftSettings: safe),
        .target(
            name: "Ingress",
            dependencies: [
                "Messaging", "JSON", "Runtime", "Input", "Contracts", "Secrets", "Instruments", "Traces", "AMQP", "Gzip", "YAML", "WebClient", hummingbird, hummingbirdCore, log, metrics, tracing,
                lifecycle,
            ],
            resources: [.embedInCode("Reference/reference.css"), .embedInCode("Reference/reference.js")], swiftSettings: safe),
        // What operators' tools know of the services' answers.
        .target(name: "Operator", dependencies: ["Terminal", "Messaging", "JSON", "Runtime", "Input", "Contracts", "Secrets"], swiftSettings: safe),
        .target(
            name: "Console",
            dependencies: [
                "Operator", "Terminal", "Ingress", "Messaging", "JSON", "Runtime", "Contracts", "Secrets", "Traces", "WebClient", hummingbird, hummingbirdCore, log, lifecycle,
            ],
            resources: [.embedInCode("Assets/console.css"), .embedInCode("Assets/console.js")], swiftSettings: safe),
    ]
        + clientsOfServices.map { name, clients in
            .target(
                name: name, dependencies: ["Messaging", "Input", "JSON", "Runtime", "Contracts", "Instruments", "PostgreSQL", "Secrets", log, metrics, lifecycle] + clients,
                path: "Sources/Services/\(name)",
                swiftSettings: safe)
        } + [
            // What the executables have in common.
            .target(name: "Terminal", dependencies: [log, signals], swiftSettings: safe),
            // Child processes: started, watched, restarted and stopped.
            .target(name: "Processes", dependencies: ["Runtime", subprocess], swiftSettings: safe),
            // How many workers each pool needs, and what starts and stops them.
            .target(name: "Autoscaling", dependencies: ["Processes", "Terminal", "JSON", "WebClient", log, lifecycle], swiftSettings: safe),
            .target(
                name: "Assembly",
                dependencies: [
                    "Autoscaling", "Processes", "Terminal", "Messaging", "Runtime", "Topology", "Ingress", "Console", "Operations", "Contracts", "Instruments", "Traces", "IOThreads", "AMQP",
                    "PostgreSQL",
                    "Redis", "WebClient", "Secrets", log, metrics,
                    lifecycle, signals, arguments,
                ]
                    + services.map { .init(stringLiteral: $0) },
                swiftSettings: safe),
            .target(name: "LocalState", dependencies: ["Terminal", "Assembly", "Messaging", "WebClient", "Secrets"], swiftSettings: safe),
            .target(name: "ShopClient", dependencies: ["Terminal", "Messaging", "JSON", "Contracts", "WebClient"], swiftSettings: safe),
            .target(
                name: "Audit",
                dependencies: [
                    "Terminal", "ShopClient", "LocalState", "Assembly", "Operations", "Messaging", "JSON", "Runtime", "Input", "Topology", "Contracts", "PostgreSQL", "WebClient", "Secrets", log,
                ]
                    + services.map { .init(stringLiteral: $0) },
                swiftSettings: safe),
            // Production: nothing of Sources/Development is linked into it.
            .executableTarget(
                name: "wharf",
                dependencies: [
                    "Operator", "Assembly", "Audit", "Autoscaling", "Terminal", "LocalState", "Messaging", "JSON", "Runtime", "Input", "Topology", "Operations", "Contracts", "Ingress", "PostgreSQL",
                    "AMQP", "WebClient", "Secrets", "Gzip",
                    "Users", "DeadLetters", "Payments",
                    log, lifecycle, arguments,
                ], swiftSettings: safe),

            // For people who build Wharf or try it.
            // Reproducible random draws from a seed.
            development("Seeds", []),
            development("LocalServers", ["Processes", "Terminal", "WebClient", "Secrets", log, subprocess]),
            development("Sandbox", ["Seeds", "JSON", "Contracts", "Secrets", "WebClient", hummingbird, log]),
            // Services on one seeded thread, against a model of the broker and of the gateway.
            development(
                "Simulation",
                ["Seeds", "Messaging", "JSON", "Runtime", "Topology", "Contracts", "AMQP", "PostgreSQL", "IOThreads", "WebClient", "Secrets", "LocalServers", log]
                    + ["Catalog", "Carts", "Orders", "Payments", "Notifications"].map { .init(stringLiteral: $0) }),
            development(
                "Up",
                [
                    "Processes", "Runtime", "Terminal", "LocalState", "Assembly", "LocalServers", "Operations", "Messaging", "Topology", "AMQP", "PostgreSQL", "WebClient", "Secrets", "Users", log,
                    arguments,
                ]),
            development("Load", ["Seeds", "Runtime", "Terminal", "ShopClient", "LocalState", "Assembly", "Operations", "Messaging", "Contracts", "WebClient", "Secrets", log, arguments]),
            development(
                "Bench",
                [
                    "Up", "Load", "Runtime", "Terminal", "ShopClient", "LocalState", "Assembly", "LocalServers", "Messaging", "Operations", "JSON", "Contracts", "AMQP", "PostgreSQL", "WebClient",
                    "Secrets",
                    "Gzip", log, arguments,
                ]),
            development(
                "Chaos",
                [
                    "Up", "Load", "Audit", "Seeds", "Terminal", "ShopClient", "LocalState", "Assembly", "LocalServers", "Operations", "Messaging", "JSON", "Topology", "Contracts", "AMQP",
                    "PostgreSQL",
                    "WebClient", "Secrets", log, arguments,
                ]),
            .executableTarget(
                name: "wharf-dev",
                dependencies: [
                    "Up", "Load", "Bench", "Chaos", "Simulation", "Sandbox", "Ingress", "Assembly", "Operations", "Messaging", "Topology", "LocalServers", "Secrets", log, lifecycle,
                    arguments,
                ],
                swiftSettings: safe),
            .target(name: "TestKit", dependencies: ["IOThreads", "LocalServers", "WebClient", log], path: "Tests/TestKit", swiftSettings: safe),
            // A service over a database of its own, for the suites of services.
            .target(
                name: "ServiceKit", dependencies: ["TestKit", "LocalServers", "Messaging", "JSON", "Runtime", "Contracts", "PostgreSQL", log], path: "Tests/ServiceKit",
                swiftSettings: safe),
            // What fuzzers drive: the decoders of what strangers send.
            .target(
                name: "FuzzTargets", dependencies: ["Seeds", "AMQP", "CRabbitMQ", "Gzip", "Messaging", "JSON", "Runtime", "Input", "Ingress", "Traces"], path: "Tests/FuzzTargets", swiftSettings: safe),
        ] + (
            // libFuzzer's runtime is not in every toolchain, and brings a main function of its own.
            Context.environment["WHARF_LIBFUZZER"] == nil
            ? []
            : [
                .executableTarget(
                    name: "libfuzzer", dependencies: ["FuzzTargets"], path: "Tests/LibFuzzer",
                    swiftSettings: safe + [.unsafeFlags(["-parse-as-library"])])
            ])
        + [
            // What each suite needs besides TestKit.
            ("AMQPTests", ["AMQP", "IOThreads", "CRabbitMQ", "LocalServers", log, lifecycle]), ("PostgreSQLTests", ["PostgreSQL", "IOThreads", "LocalServers", log]),
            ("WebClientTests", ["WebClient", log]), ("RedisTests", ["Redis", log]), ("SecretsTests", ["Secrets"]), ("GzipTests", ["Gzip"]), ("YAMLTests", ["YAML"]),
            ("LocalServersTests", ["LocalServers", "Operations"]), ("AutoscalingTests", ["Autoscaling", "Processes", "JSON", "WebClient", log, lifecycle]),
            ("JSONTests", ["Seeds", "JSON"]), ("RuntimeTests", ["Runtime"]), ("TracesTests", ["Traces", "Runtime", tracing]), ("InputTests", ["Input", "Messaging", "JSON", "Contracts"]),
            ("MessagingTests", ["Messaging", "JSON", "Runtime", "Contracts", "Traces", "AMQP", "PostgreSQL", "Secrets", log, metrics, metricsTestKit, tracing]),
            ("TopologyTests", ["Messaging", "JSON", "Topology", "Contracts", "AMQP", "PostgreSQL", "LocalServers", log, lifecycle]),
            ("OperationsTests", ["Operations", "Secrets", "Instruments", "Messaging", "JSON", "Runtime", "Traces", "WebClient", "LocalServers", log, metrics, tracing, lifecycle]),
            ("IngressTests", ["FuzzTargets", "YAML", "Ingress", "Gzip", "Messaging", "JSON", "Runtime", "Contracts", "Traces", "AMQP", "Secrets", "WebClient", hummingbird, log, lifecycle]),
            ("ConsoleTests", ["Console", "Operator", "Ingress", "Messaging", "JSON", "Runtime", "Contracts", "Secrets", "WebClient", hummingbird, log]),
            ("SimulationTests", ["Simulation", "Messaging", "Topology", "AMQP", "PostgreSQL", "LocalServers", "wharf-dev", log, lifecycle]),
            ("SandboxTests", ["Seeds", "Sandbox", "JSON", "Secrets", "WebClient", hummingbird, log, lifecycle]),
            ("UsersTests", ["ServiceKit", "Users", "IOThreads", "Messaging", "JSON", "Contracts", "PostgreSQL", "Secrets", "Redis", "LocalServers", log]),
            ("NotificationsTests", ["ServiceKit", "Notifications", "Sandbox", "Runtime", "Messaging", "JSON", "Contracts", "PostgreSQL", "Secrets", "WebClient", log, lifecycle]),
            (
                "DeadLettersTests",
                [
                    "ServiceKit", "Seeds", "DeadLetters", "WebClient", "Messaging", "Input", "JSON", "Runtime", "Contracts", "PostgreSQL", "Secrets", "AMQP", "LocalServers", log, metrics,
                    metricsTestKit,
                    lifecycle,
                ]
            ),
            ("CartsTests", ["ServiceKit", "Carts", "Messaging", "JSON", "Contracts", "PostgreSQL"]),
            ("CatalogTests", ["ServiceKit", "Catalog", "Messaging", "JSON", "Input", "Contracts", "IOThreads", "PostgreSQL", "Runtime", "Secrets"]),
            ("PaymentsTests", ["ServiceKit", "Payments", "Sandbox", "Messaging", "JSON", "Runtime", "Contracts", "PostgreSQL", "Secrets", "WebClient", log, metrics, metricsTestKit, lifecycle]),
            ("OrdersTests", ["ServiceKit", "Seeds", "Input", "Orders", "Payments", "Carts", "Contracts", "Messaging", "JSON", "PostgreSQL", "Secrets", log, metrics, metricsTestKit]),
            ("FuzzTests", ["FuzzTargets"]), ("TidyTests", []), ("MonitoringTests", ["Instruments", "YAML", "LocalServers"]),
            (
                "FaultTests",
                [
                    "ServiceKit", "Ingress", "Orders", "Carts", "DeadLetters", "Messaging", "JSON", "Runtime", "Topology", "Contracts", "PostgreSQL", "AMQP", "WebClient", "IOThreads", "LocalServers",
                    "Chaos", log, lifecycle,
                ]
            ),
            (
                "WharfTests",
                [
                    "wharf", "wharf-dev", "Operator", "Console", "Assembly", "Audit", "Processes", "Terminal", "ShopClient", "LocalState", "Up", "Load", "Bench", "Chaos", "Seeds", "Ingress",
                    "Messaging",
                    "JSON", "Topology", "Contracts",
                    "Operations", "Instruments", "LocalServers", "WebClient", "AMQP", "PostgreSQL", "Secrets", hummingbird, log, lifecycle, arguments,
                ]
                    + services.map { .init(stringLiteral: $0) }
            ),
        ].filter { name, _ in
            suites?.contains(name) ?? true
        }.map { (name: String, dependencies: [Target.Dependency]) in
            .testTarget(name: name, dependencies: dependencies + ["TestKit"], exclude: name == "TidyTests" ? ["reviewed.txt"] : [], swiftSettings: safe)
        }
)
