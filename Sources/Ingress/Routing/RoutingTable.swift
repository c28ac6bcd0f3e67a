/// Finds the operation of a method and a path. A literal segment is preferred to a template, so `/v1/carts/current` is not the cart named "current".
struct RoutingTable: Sendable {
    enum Match: Equatable {
        /// `parameters` are those of the path.
        case endpoint(Endpoint, parameters: [String: String])
        /// The path is known and the method is not, or is OPTIONS.
        case otherMethod(allowed: [String])
        case unknown
    }

    private struct Resource: Sendable {
        let parameterNames: [String]
        var endpoints: [String: Endpoint]

        var allowed: [String] {
            (Array(endpoints.keys) + (endpoints["GET"] == nil ? [] : ["HEAD"]) + ["OPTIONS"]).sorted()
        }
    }

    private final class Branch {
        var literals: [String: Branch] = [:]
        var template: Branch?
        var resource: Resource?
    }

    /// The same, immutable.
    private indirect enum Tree: Sendable {
        case node(literals: [String: Tree], template: Tree?, resource: Resource?)

        init(_ branch: Branch) {
            self = .node(
                literals: branch.literals.mapValues(Tree.init), template: branch.template.map(Tree.init),
                resource: branch.resource)
        }

        /// The resource at the end of `segments`, with the values of the templates on the way there.
        func find(_ segments: ArraySlice<String>, _ values: [String]) -> (resource: Resource, values: [String])? {
            guard case .node(let literals, let template, let resource) = self else { return nil }
            guard let segment = segments.first else { return resource.map { ($0, values) } }
            let rest = segments.dropFirst()
            if let found = literals[segment]?.find(rest, values) { return found }
            return segment.isEmpty ? nil : template?.find(rest, values + [segment])
        }
    }

    private let tree: Tree

    /// `document` is used to report errors.
    init(_ endpoints: [Endpoint], in document: DocumentNode) throws(OpenAPIError) {
        let root = Branch()
        for endpoint in endpoints {
            let place = document.at("\(endpoint.method) \(endpoint.path)")
            guard let segments = PathTemplate.segments(of: endpoint.path) else {
                throw place.error("the path must be literal segments and whole-segment templates")
            }
            var branch = root
            var names: [String] = []
            for segment in segments {
                switch segment {
                case .literal(let text):
                    let next = branch.literals[text] ?? Branch()
                    branch.literals[text] = next
                    branch = next
                case .parameter(let name):
                    names.append(name)
                    let next = branch.template ?? Branch()
                    branch.template = next
                    branch = next
                }
            }
            var resource = branch.resource ?? Resource(parameterNames: names, endpoints: [:])
            guard resource.parameterNames == names, resource.endpoints.updateValue(endpoint, forKey: endpoint.method) == nil else {
                throw place.error("another path of the document is the same but for the names of its templates")
            }
            branch.resource = resource
        }
        tree = Tree(root)
    }

    /// `segments` are decoded; `HEAD` finds what `GET` does.
    func match(method: String, segments: [String]) -> Match {
        guard let (resource, values) = tree.find(segments[...], []) else { return .unknown }
        guard let endpoint = resource.endpoints[method == "HEAD" ? "GET" : method] else {
            return .otherMethod(allowed: resource.allowed)
        }
        return .endpoint(endpoint, parameters: Dictionary(zip(resource.parameterNames, values)) { first, _ in first })
    }
}
