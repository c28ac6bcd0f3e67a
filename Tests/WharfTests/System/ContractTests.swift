import Contracts
import FoundationEssentials
import Ingress
import Messaging
import Testing
import Topology

@testable import Assembly

@Suite struct `The map` {
    private func services() throws -> [ServiceDefinition] {
        try ServiceName.allCases.map { try $0.definition() }
    }

    @Test func `openapi.yaml, definitions.json and the services' operations are consistent`() throws {
        let folder = "\(RunningWharf.repository())/topology"
        let document = try OpenAPIDocument(path: "\(folder)/openapi.yaml")
        let complaints = Topology.consistency(
            openAPI: document.operationIDs,
            internal: try Set(services().flatMap { $0.sends + $0.asks }) + document.waitOperationIDs + document.uploadOperationIDs + document.streamOperationIDs
                + [MessageName.resolveSession, MessageName.sealingKey],
            definitions: try Definitions(contentsOf: "\(folder)/definitions.json"), services: try services())
        #expect(complaints == [])
    }

    @Test func `definitions.json is what wharf topology generate writes`() throws {
        let folder = "\(RunningWharf.repository())/topology"
        let written = try String(contentsOfFile: "\(folder)/definitions.json", encoding: .utf8)
        let generated = try Broker.generatedDefinitions(OpenAPIDocument(path: "\(folder)/openapi.yaml")).text()
        #expect(written == generated, "Run .build/debug/wharf topology generate in the project's folder, and commit topology/definitions.json.")
    }

    @Test func `every service that runs is on the map`() throws {
        #expect(Set(try services().map(\.name)) == Set(ServiceName.allCases.map(\.rawValue)))
    }
}
