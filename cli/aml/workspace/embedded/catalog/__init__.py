"""What is registered: models, data, environments, components, datastores, and how references find them."""
