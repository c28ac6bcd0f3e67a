import Carts
import Catalog
import Contracts
import DeadLetters
import Ingress
import Logging
import Messaging
import Notifications
import Operations
import Orders
import Payments
import Testing
import Topology
import Users
import WebClient

@testable import Assembly

@Suite struct `The map` {
    /// What only Wharf's own processes ask for.
    private static let `internal` = [
        MessageName.resolveSession, MessageName.sealingKey, MessageName.armLink, MessageName.preparePasswordReset, MessageName.accountMail,
        MessageName.price, MessageName.reserve, MessageName.release, MessageName.commit,
        MessageName.place, MessageName.advance, MessageName.charge, MessageName.void, MessageName.undoExtra, MessageName.unresolved,
        MessageName.reopenCart,
    ]

    private func services() throws -> [ServiceDefinition] {
        let clock = SystemClock()
        let randomness = SystemRandomness()
        let web = WebClient(logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        defer { web.shutdown() }
        return [
            UsersService.definition(clock: clock, randomness: randomness, attempts: nil, logger: Logger(label: "tests")),
            CatalogService.definition(clock: clock, randomness: randomness),
            CartsService.definition(
                ask: { _, _, _ in throw RequestClient.Unanswered.timedOut }, clock: clock, randomness: randomness),
            OrdersService.definition(clock: clock),
            PaymentsService.definition(gateway: StripeGateway(transport: web, key: "sk_test_none"), clock: clock),
            NotificationsService.definition(
                mail: try MailTransports.from(url: "file:///tmp", client: web), sender: try #require(MailAddress("shop@example.com")),
                ask: { _, _, _ in throw RequestClient.Unanswered.timedOut }, clock: clock, randomness: randomness),
            DeadLettersService.definition(clock: clock),
        ]
    }

    @Test func `openapi.yaml, definitions.json and what the services register fit`() throws {
        let folder = "\(RunningWharf.repository())/topology"
        let document = try OpenAPIDocument(path: "\(folder)/openapi.yaml")
        let complaints = Topology.consistency(
            openAPI: document.operationIDs, internal: Self.internal + document.waitOperationIDs,
            definitions: try Definitions(contentsOf: "\(folder)/definitions.json"), services: try services())
        #expect(complaints == [])
    }

    @Test func `every service that is run is one that is on the map`() throws {
        #expect(Set(try services().map(\.name)) == Set(ServiceName.allCases.map(\.rawValue)))
    }
}
