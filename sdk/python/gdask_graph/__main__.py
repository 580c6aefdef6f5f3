from gdask_graph.server import main

main()
